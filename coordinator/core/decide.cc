#include "coordinator/core/decide.h"

#include "common/base/status.h"
#include "coordinator/core/decide_parts.h"

namespace interceptor::coordinator {
absl::StatusOr<Decision> Decide(const State& state, const Command& command, MonotonicTime now) {
  const bool starts = std::holds_alternative<StartCommand>(command.body);
  if (!state.soft.started && !starts) return Unavailable("the coordinator is starting: try again");
  Draft draft{.state = state, .wall_time = command.wall_time, .now = now, .decision = {}, .touched = {}};
  ICPT_RETURN_IF_ERROR(std::visit([&](const auto& body) { return DecideOn(draft, body); }, command.body));
  return std::move(draft.decision);
}

}  // namespace interceptor::coordinator
