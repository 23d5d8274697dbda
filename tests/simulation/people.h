// The team at the command line: pauses, resumes, drains, pins. A person repeats a command that got no answer
// under the same request id, and the network may deliver any copy late or twice.
#pragma once

#include <set>
#include <string>

#include "coordinator/core/command.h"
#include "tests/simulation/coordinator_host.h"
#include "tests/simulation/network.h"

namespace interceptor::simulation {

class People {
 public:
  People(World& world, const Options& options, CoordinatorHost& coordinator);

  void Pause();
  void Resume();
  void Drain(const std::string& member);
  // Pins or unpins some checkpoint that is there.
  void Pin();
  // Unpins everything that people ever pinned.
  void UnpinAll();

  Draws& draws() { return draws_; }

 private:
  void Do(const coordinator::CommandBody& command, const std::string& what);
  void Try(const coordinator::CommandBody& command, const std::string& what, int attempt);

  World& world_;
  CoordinatorHost& coordinator_;
  Draws draws_;
  Process process_;
  Link link_;
  std::set<std::string> pinned_;
};

}  // namespace interceptor::simulation
