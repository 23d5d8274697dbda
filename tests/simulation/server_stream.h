// A worker's stream. ServerStream is the coordinator's side and does what coordinator/service/worker_service
// does with gRPC's: updates become commands, answers become directives, errors end the stream.
#pragma once

#include <functional>
#include <memory>

#include "absl/status/status.h"
#include "tests/simulation/messages.h"
#include "tests/simulation/network.h"

namespace interceptor::simulation {

class CoordinatorHost;

// What the two ends share. The callbacks are the worker's side.
struct Connection {
  std::shared_ptr<Pipe> up;
  std::shared_ptr<Pipe> down;
  std::function<void(const Directive&)> on_directive;
  std::function<void(const absl::Status&)> on_end;
};

class ServerStream : public std::enable_shared_from_this<ServerStream> {
 public:
  ServerStream(CoordinatorHost& host, std::shared_ptr<Connection> connection)
      : host_(host), connection_(std::move(connection)) {}

  void OnUpdate(const Update& update);
  // The worker's side ended it, or keepalive gave it up.
  void OnEnd();

  void Send(const coordinator::Directive& directive) { Write(directive); }
  void Close(const absl::Status& status);
  // The coordinator died. With `silent` the worker hears nothing until keepalive gives the stream up.
  void Lose(World& world, bool silent);

 private:
  void Write(const Directive& directive);
  void HandleHello(const HelloUpdate& hello);

  CoordinatorHost& host_;
  const std::shared_ptr<Connection> connection_;
  coordinator::SessionId session_ = 0;
  int64_t last_number_ = 0;
  bool finished_ = false;
  // A read that was under way when the stream was closed is still handled.
  int reads_after_end_ = 1;
};

}  // namespace interceptor::simulation
