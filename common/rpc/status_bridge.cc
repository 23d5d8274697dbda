#include "common/rpc/status_bridge.h"

#include <string>

#include "common/base/status.h"

namespace interceptor {

constexpr size_t kMessageBytesMax = 1000;

grpc::Status ToGrpcStatus(const absl::Status& status) {
  if (status.ok()) return grpc::Status::OK;
  std::string message = Message(status);
  if (message.size() > kMessageBytesMax) {
    message.resize(kMessageBytesMax - 3);
    message += "...";
  }
  return grpc::Status(static_cast<grpc::StatusCode>(status.code()), message);
}

absl::Status FromGrpcStatus(const grpc::Status& status) {
  if (status.ok()) return absl::OkStatus();
  return absl::Status(static_cast<absl::StatusCode>(status.error_code()), status.error_message());
}

}  // namespace interceptor
