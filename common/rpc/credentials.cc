#include "common/rpc/credentials.h"

#include <string>

#include "common/base/status.h"

namespace interceptor {
namespace {

bool StartsWith(std::string_view text, std::string_view start) {
  return text.substr(0, start.size()) == start;
}

// Four decimal numbers, the first of them 127: a name such as 127.evil.example is not an address.
bool IsLoopbackV4(std::string_view host) {
  if (!StartsWith(host, "127.")) return false;
  int dots = 0;
  char previous = '.';
  for (const char c : host) {
    if (c == '.' && previous == '.') return false;
    if (c == '.') ++dots;
    if (c != '.' && (c < '0' || c > '9')) return false;
    previous = c;
  }
  return dots == 3 && previous != '.';
}

}  // namespace

bool IsLocalAddress(std::string_view address) {
  if (StartsWith(address, "unix:") || StartsWith(address, "unix-abstract:")) return true;
  if (address == "[::1]" || StartsWith(address, "[::1]:")) return true;
  const std::string_view host = address.substr(0, address.find(':'));
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
