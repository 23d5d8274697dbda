// The coordinator as a pure function. The runtime's loop is
//   decide -> apply -> (end of batch) append durable events, one sync -> release replies, then effects.
// A batch is decided one command at a time, each against the state with the earlier ones applied; nothing of
// it is answered or carried out before its sync. If the journal answers RESOURCE_EXHAUSTED the same batch is
// appended again later (the state is already ahead of it, so nothing else may be decided meanwhile); any
// other failure ends the process.
#pragma once

#include <variant>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/base/clock.h"
#include "coordinator/core/command.h"
#include "coordinator/core/effect.h"
#include "coordinator/core/event.h"
#include "coordinator/core/state.h"

namespace interceptor::coordinator {

struct Done {};

// Welcome answers SessionOpened; Done everything else.
using Reply = std::variant<Done, Welcome>;

struct Decision {
  std::vector<Event> events;
  Reply reply;
  std::vector<Effect> effects;
  // Facts changed that Tick may act on: send one at the end of this batch.
  bool tick_soon = false;
};

// Total and const. An error means: no event, no effect, nothing changed; send it to whoever asked (on a
// worker stream `rejected`, or the stream's end when it answers a hello). `now` never goes back.
absl::StatusOr<Decision> Decide(const State& state, const Command& command, MonotonicTime now);

// What the core relies on: INVALID_ARGUMENT names the field and the allowed range.
absl::Status ValidatePlan(const PlanFacts& plan);

}  // namespace interceptor::coordinator
