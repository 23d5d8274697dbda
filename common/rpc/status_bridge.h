// absl::Status on our side, grpc::Status on the wire's: the one place that knows both.
#pragma once

#include <grpcpp/support/status.h>

#include "absl/status/status.h"

namespace interceptor {

// The codes are the same numbers. A message longer than 1,000 bytes is cut: it travels in a header.
grpc::Status ToGrpcStatus(const absl::Status& status);
absl::Status FromGrpcStatus(const grpc::Status& status);

}  // namespace interceptor
