// I22: while everybody can be reached, two checkpoints of a run that follow one another are no further apart
// than the plan's period of training time and what a save takes to begin; and no absence, pause or restart,
// whenever it comes, is answered with a burst of saves.
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <string>

#include "coordinator/core/event.h"
#include "tests/simulation/options.h"
#include "tests/simulation/world.h"

namespace interceptor::simulation {

class GapCheck {
 public:
  GapCheck(World& world, const Options& options) : world_(world), options_(options) {}

  // Sees every durable fact once, in order.
  void See(const coordinator::Fact& fact);
  // Nothing goes wrong any more, and in `settling` what was left over is over too.
  void Calm(absl::Duration settling);

 private:
  struct Looker;
  struct Run {
    std::optional<double> newest;  // training seconds; of one committed since all is settled
    std::deque<double> asked;      // of the newest ones that were asked for
  };
  // From the moment a save is due to the step at which it is taken.
  double SlackSeconds() const;

  World& world_;
  const Options& options_;
  std::optional<MonotonicTime> settled_at_;
  std::map<std::string, Run> runs_;  // by specialist
};

}  // namespace interceptor::simulation
