// A gRPC server with the house's limits, standard health checking (grpc.health.v1, for "" and each service)
// and reflection. Services are built on the callback API, so a few threads of gRPC's own serve everything.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/rpc/credentials.h"

namespace grpc {
class Server;
class Service;
}  // namespace grpc

namespace interceptor {

class Server {
 public:
  struct NamedService {
    std::string name;  // XService::service_full_name()
    grpc::Service* service = nullptr;
  };
  struct Options {
    // "127.0.0.1:50051", "[::1]:0", "unix:/run/x.sock". Port 0 picks a free one.
    std::string address;
    BeyondLoopback beyond_loopback = BeyondLoopback::kRefuse;
    // Must outlive the server.
    std::vector<NamedService> services = {};
  };

  // Listens and answers at once; health says SERVING after SetServing(true).
  //   FAILED_PRECONDITION  the address is not local and that is refused
  //   UNAVAILABLE          the address cannot be listened on: in use, no permission, not of this machine
  static absl::StatusOr<std::unique_ptr<Server>> Start(const Options& options);

  ~Server();

  // As given, with the port that was picked.
  const std::string& address() const { return address_; }
  void SetServing(bool serving);
  // Takes no new calls, waits up to `grace` for the ones that run, cancels the rest and waits for them.
  // Health says NOT_SERVING from the start. Call once.
  void Shutdown(absl::Duration grace);

 private:
  Server(std::unique_ptr<grpc::Server> server, std::string address,
         const std::vector<NamedService>& services);

  const std::unique_ptr<grpc::Server> server_;
  const std::string address_;
  const std::vector<NamedService> services_;
};

}  // namespace interceptor
