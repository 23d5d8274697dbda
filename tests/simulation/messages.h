// What travels on a worker's stream, and the conversion between the two sides' own words, as
// worker/agent/convert and coordinator/service/convert do by way of the wire.
#pragma once

#include <cstdint>
#include <string>
#include <variant>

#include "coordinator/core/command.h"
#include "coordinator/core/effect.h"
#include "tests/simulation/options.h"
#include "worker/session/session_values.h"

namespace interceptor::simulation {

// Who says hello.
struct Speaker {
  std::string member;
  std::string box;
  std::string incarnation;
  coordinator::LastCoordinator last_coordinator;
};
struct HelloUpdate {
  Speaker speaker;
  worker::SendHello hello;
};
// One update of a worker.
struct Update {
  int64_t number = 0;
  std::variant<HelloUpdate, worker::SendChunkFiles, worker::SendProgress, worker::SendPublication,
               worker::SendGoodbye>
      body;
};

// `accepted` or `rejected`.
struct MutationAnswer {
  std::string request_id;
  absl::Status status;
};
using Directive = std::variant<coordinator::Welcome, coordinator::Directive, MutationAnswer>;

coordinator::Hello ToHello(const HelloUpdate& update);
// Every update but the hello.
coordinator::CommandBody ToCommand(coordinator::SessionId session, const Update& update);
worker::SessionInput ToInput(const Directive& directive, const Options& options);

// One line for the trace.
std::string Describe(const Update& update);
std::string Describe(const Directive& directive);

}  // namespace interceptor::simulation
