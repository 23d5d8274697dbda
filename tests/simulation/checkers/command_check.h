// What one command may do: a repeated request does nothing more and gets the same answer (I2), a stale term
// or a replaced stream changes nothing (I8), and no lease ends before a fresh time to live after the
// coordinator was away. Looks at commands as they came over the network.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "coordinator/core/decide.h"
#include "tests/simulation/options.h"
#include "tests/simulation/world.h"

namespace interceptor::simulation {

class CommandCheck {
 public:
  CommandCheck(World& world, const Options& options) : world_(world), options_(options) {}

  // Before the decision, with the state that it is made on.
  void Deciding(const coordinator::CommandBody& command, const coordinator::State& state);
  void Decided(const absl::StatusOr<coordinator::Decision>& decision, MonotonicTime now);
  // Everything decided so far is durable.
  void Synced();
  // Replay found this fact, and nothing else of what was decided since the last sync.
  void Recovered(const coordinator::Fact& fact);
  void Died() { decided_.clear(); }
  // The coordinator began to watch (again) at `now`: it started, or woke from an absence.
  void Watching(MonotonicTime now) { fresh_until_ = now + options_.plan.lease_ttl; }

 private:
  void Fence(const coordinator::CommandBody& command, const coordinator::State& state);

  World& world_;
  const Options& options_;
  MonotonicTime fresh_until_;
  std::set<std::string> accepted_;
  std::vector<std::string> decided_;  // accepted in the batch under way
  // Of the command under way.
  std::string request_;
  bool repeats_ = false;
  std::string fenced_;  // why it may not change anything
};

}  // namespace interceptor::simulation
