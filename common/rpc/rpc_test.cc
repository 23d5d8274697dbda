#include <arpa/inet.h>
#include <grpcpp/create_channel.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>

#include "common/base/status.h"
#include "common/rpc/channel.h"
#include "common/rpc/credentials.h"
#include "common/rpc/server.h"
#include "common/rpc/status_bridge.h"
#include "tests/support/catch.h"
#include "tests/support/rpc_probe.h"
#include "tests/support/scratch_folder.h"

namespace interceptor {

CATCH_TEST_CASE("Statuses cross the bridge unchanged") {
  CATCH_CHECK(ToGrpcStatus(absl::OkStatus()).ok());
  CATCH_CHECK(FromGrpcStatus(grpc::Status::OK).ok());
  for (int code = 1; code <= 16; ++code) {
    const absl::Status status(static_cast<absl::StatusCode>(code), "text");
    CATCH_CHECK(static_cast<int>(ToGrpcStatus(status).error_code()) == code);
    CATCH_CHECK(FromGrpcStatus(ToGrpcStatus(status)) == status);
  }
  CATCH_CHECK(ToGrpcStatus(absl::InternalError(std::string(5000, 'x'))).error_message().size() == 1000);
}

CATCH_TEST_CASE("Local addresses are told from others") {
  for (const char* address :
       {"unix:/a/b", "unix-abstract:x", "localhost:1", "127.0.0.1:0", "127.9.9.9", "[::1]:5"}) {
    CATCH_CAPTURE(address);
    CATCH_CHECK(IsLocalAddress(address));
  }
  for (const char* address : {"0.0.0.0:1", "[::]:1", "10.0.0.1:1", "127.evil.example:1",
                              "localhost.example:1", "127.0.0.1.2:1", "127...1:1", "head:1", ""}) {
    CATCH_CAPTURE(address);
    CATCH_CHECK_FALSE(IsLocalAddress(address));
  }
}

CATCH_TEST_CASE("A server refuses to be reached from other machines unless told") {
  const absl::StatusOr<std::unique_ptr<Server>> refused = Server::Start({.address = "0.0.0.0:0"});
  CATCH_CHECK(absl::IsFailedPrecondition(refused.status()));
  CATCH_CHECK(Message(refused.status()).find("--insecure-listen") != std::string::npos);

  absl::StatusOr<std::unique_ptr<Server>> allowed =
      Server::Start({.address = "0.0.0.0:0", .beyond_loopback = BeyondLoopback::kAllowInsecure});
  CATCH_REQUIRE(allowed.ok());
  (*allowed)->Shutdown(absl::ZeroDuration());
}

CATCH_TEST_CASE("A server picks a port, says it, and holds it alone") {
  absl::StatusOr<std::unique_ptr<Server>> first = Server::Start({.address = "127.0.0.1:0"});
  CATCH_REQUIRE(first.ok());
  const std::string address = (*first)->address();
  CATCH_CHECK(address.rfind("127.0.0.1:", 0) == 0);
  CATCH_CHECK(address != "127.0.0.1:0");

  const absl::StatusOr<std::unique_ptr<Server>> second = Server::Start({.address = address});
  CATCH_CHECK(absl::IsUnavailable(second.status()));
  CATCH_CHECK(Message(second.status()).find(address) != std::string::npos);
  CATCH_CHECK(Message(second.status()).find("in use") != std::string::npos);
  (*first)->Shutdown(absl::ZeroDuration());
}

CATCH_TEST_CASE("Health and reflection answer a client that knows nothing of us") {
  const ScratchFolder folder;
  absl::StatusOr<std::unique_ptr<Server>> server =
      Server::Start({.address = "unix:" + folder.File("s.sock")});
  CATCH_REQUIRE(server.ok());
  const std::shared_ptr<grpc::Channel> channel = NewChannel((*server)->address());

  CATCH_CHECK(CheckHealth(channel, "").value() == 2);
  (*server)->SetServing(true);
  CATCH_CHECK(CheckHealth(channel, "").value() == 1);
  CATCH_CHECK(absl::IsNotFound(CheckHealth(channel, "no.such.Service").status()));

  const absl::StatusOr<std::vector<std::string>> services = ListServices(channel);
  CATCH_REQUIRE(services.ok());
  CATCH_CHECK(std::count(services->begin(), services->end(), "grpc.health.v1.Health") == 1);
  (*server)->Shutdown(absl::ZeroDuration());
}

CATCH_TEST_CASE("A server that is slow to answer is waited for until the call's own deadline") {
  // Connections to it are made, and nobody ever speaks on them.
  const int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{
      .sin_family = AF_INET, .sin_port = 0, .sin_addr = {htonl(INADDR_LOOPBACK)}, .sin_zero = {}};
  socklen_t size = sizeof(address);
  CATCH_REQUIRE(bind(listener, reinterpret_cast<sockaddr*>(&address), size) == 0);
  CATCH_REQUIRE(listen(listener, 1) == 0);
  CATCH_REQUIRE(getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size) == 0);
  const auto channel = NewChannel(Cat("127.0.0.1:", ntohs(address.sin_port)));
  CATCH_CHECK(absl::IsDeadlineExceeded(CheckHealth(channel, "", absl::Seconds(2)).status()));
  close(listener);
}

}  // namespace interceptor
