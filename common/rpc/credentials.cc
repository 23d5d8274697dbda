#include "common/rpc/credentials.h"

#include <arpa/inet.h>

#include <string>

#include "common/base/status.h"

namespace interceptor {
namespace {

// Four decimal numbers, the first of them 127: a name such as 127.evil.example is not an address.
bool IsLoopbackV4(const std::string& host) {
  in_addr parsed{};
  return host.starts_with("127.") && inet_pton(AF_INET, host.c_str(), &parsed) == 1;
}

}  // namespace

bool IsLocalAddress(std::string_view address) {
  if (address.starts_with("unix:") || address.starts_with("unix-abstract:")) return true;
  if (address == "[::1]" || address.starts_with("[::1]:")) return true;
  const std::string host(address.substr(0, address.find(':')));
  return host == "localhost" || IsLoopbackV4(host);
}

absl::StatusOr<std::shared_ptr<grpc::ServerCredentials>> ServerCredentialsFor(std::string_view address,
                                                                              BeyondLoopback beyond) {
  if (!IsLocalAddress(address) && beyond == BeyondLoopback::kRefuse) {
    return FailedPrecondition("refusing to listen on ", address,
                              ", which other machines can reach: there is no authentication; listen on "
                              "127.0.0.1 or a unix: socket, or give --insecure-listen");
  }
  return grpc::InsecureServerCredentials();
}

std::shared_ptr<grpc::ChannelCredentials> ChannelCredentialsFor(std::string_view) {
  return grpc::InsecureChannelCredentials();
}

}  // namespace interceptor
