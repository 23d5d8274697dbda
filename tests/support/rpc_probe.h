// Speaks to a gRPC server as a tool that has none of our protos: standard health and reflection, with the few
// message bytes written and read by hand. For tests; blocks up to ten seconds a call.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <grpcpp/channel.h>

#include "absl/status/statusor.h"

namespace interceptor {

// The answer of grpc.health.v1.Health/Check: 1 SERVING, 2 NOT_SERVING; NOT_FOUND for an unknown service.
absl::StatusOr<int> CheckHealth(const std::shared_ptr<grpc::Channel>& channel, std::string_view service);

// Names from grpc.reflection.v1alpha's list_services.
absl::StatusOr<std::vector<std::string>> ListServices(const std::shared_ptr<grpc::Channel>& channel);

}  // namespace interceptor
