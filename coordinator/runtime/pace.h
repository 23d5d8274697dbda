// How often the loop does what costs time by the task: for a team's plan as often as anybody may want, for a
// fleet so seldom that it takes a small part of the time.
#pragma once

#include <algorithm>

#include "absl/time/time.h"
#include "coordinator/core/limits.h"
#include "coordinator/core/state.h"

namespace interceptor::coordinator {

// The status of a team's plan is published before a batch that journals something is answered, and at every
// tick.
inline bool IsShownAtOnce(const State& state) { return state.soft.index.tasks.size() <= 64; }

// Between two publications of a fleet's: 10,000 tasks every twenty seconds.
inline absl::Duration ShowInterval(const State& state) {
  return absl::Milliseconds(2) * static_cast<int64_t>(state.soft.index.tasks.size());
}

// A tick looks at every task: at 10,000 that takes some 20 ms, every five seconds; but far more often than a
// gap from which the core takes the coordinator itself for absent.
inline absl::Duration TickInterval(const State& state, absl::Duration usual) {
  const absl::Duration by_tasks =
      absl::Microseconds(500) * static_cast<int64_t>(state.soft.index.tasks.size());
  return std::max(usual, std::min(by_tasks, state.soft.plan.lease_ttl / (2 * kTickGapsPerLease)));
}

// How long the loop waits for more once something has come. With thousands of streams waking it for each
// update costs as much as deciding that update.
inline absl::Duration GatheringTime(const State& state) {
  return state.soft.sessions.size() < 5'000 ? absl::ZeroDuration() : absl::Microseconds(500);
}

}  // namespace interceptor::coordinator
