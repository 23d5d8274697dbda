// Speaks to a gRPC server as a tool that has none of our protos: standard health and reflection, with the few
// message bytes written and read by hand. For tests.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <grpcpp/channel.h>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace interceptor {

// For what must come; a busy machine needs a fraction of it.
inline constexpr absl::Duration kPatience = absl::Minutes(10);

// The answer of grpc.health.v1.Health/Check: 1 SERVING, 2 NOT_SERVING; NOT_FOUND for an unknown service.
absl::StatusOr<int> CheckHealth(const std::shared_ptr<grpc::Channel>& channel, std::string_view service,
                                absl::Duration patience = kPatience);

// Names from grpc.reflection.v1alpha's list_services.
absl::StatusOr<std::vector<std::string>> ListServices(const std::shared_ptr<grpc::Channel>& channel);

}  // namespace interceptor
