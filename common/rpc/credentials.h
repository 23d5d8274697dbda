// Who may talk to whom. Without transport security a server listens on this machine only; beyond it only when
// the operator said so in as many words.
#pragma once

#include <grpcpp/security/credentials.h>
#include <grpcpp/security/server_credentials.h>

#include <memory>
#include <string_view>

#include "absl/status/statusor.h"

namespace interceptor {

// True for unix:..., localhost, 127.x.x.x and [::1], with or without a port.
bool IsLocalAddress(std::string_view address);

enum class BeyondLoopback { kRefuse, kAllowInsecure };

// FAILED_PRECONDITION, naming the address and the flag, when it is not local and that is refused.
absl::StatusOr<std::shared_ptr<grpc::ServerCredentials>> ServerCredentialsFor(std::string_view address,
                                                                              BeyondLoopback beyond);
std::shared_ptr<grpc::ChannelCredentials> ChannelCredentialsFor(std::string_view address);

}  // namespace interceptor
