// One seed from its beginning to the plan's end: a phase with faults, in which nothing may go wrong, then a
// phase in which everything is well, and the whole plan must be done within a bounded time.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>

#include "tests/simulation/mutants.h"
#include "tests/simulation/world.h"

namespace interceptor::simulation {

struct Outcome {
  std::optional<Violation> violation;
  uint64_t digest = 0;  // of the whole trace
  std::deque<std::string> tail;
  int64_t events = 0;
  int64_t facts = 0;
  int64_t steps = 0;
  int64_t repeated_steps = 0;
  absl::Duration simulated;
};

// With `print`, the trace goes to stdout.
Outcome Simulate(uint64_t seed, Mutant mutant, bool print);

// The seed twice, once with wall clocks that jump by up to a year: the facts must be the same but for their
// times. Nothing is swept from the vault, which is the one use of file times.
Outcome SimulateWithWallJumps(uint64_t seed, Mutant mutant, bool print);

// The coordinator is down for a day while everyone else works: training goes on, and what was to be told is
// told once when it is back.
Outcome SimulateDayWithoutCoordinator(uint64_t seed, bool print);

}  // namespace interceptor::simulation
