// Time passes and decisions have consequences. Every step looks at the state as a whole and asks for what is
// missing, so a lost message, a restart or a skipped tick needs no special case.
#include <algorithm>

#include "coordinator/core/decide_parts.h"
#include "coordinator/core/leases.h"
#include "coordinator/core/limits.h"
#include "coordinator/core/queries.h"
#include "coordinator/core/retention.h"
#include "coordinator/core/rounds.h"
#include "coordinator/core/scheduler.h"

namespace interceptor::coordinator {
namespace {

// The coordinator itself was stopped, suspended or stuck on its disk: reports of healthy workers wait unread.
bool WasAway(const Draft& draft) {
  const Soft& soft = draft.state.soft;
  const absl::Duration longest =
      std::max(soft.plan.lease_ttl / kTickGapsPerLease, absl::Milliseconds(kAwayMsMin));
  return draft.now - soft.last_tick > longest;
}

void NoticeTheEnd(Draft& draft) {
  const State& state = draft.state;
  const bool done = std::ranges::all_of(state.soft.index.tasks, [&](const auto& task) {
    return TaskOf(state, task).done && !draft.touched.contains(task);
  });
  if (done && !state.facts.finished) draft.Record(PlanFinished{});
}

}  // namespace

absl::Status DecideOn(Draft& draft, const TickCommand&) {
  draft.Note(TickNoted{draft.now});
  if (WasAway(draft)) {
    draft.Note(LeasesRefreshed{draft.now});
    return absl::OkStatus();
  }
  if (CloseSilentSessions(draft)) return absl::OkStatus();
  WatchLeases(draft);
  AskToDrain(draft);
  AskForSaves(draft);
  ReleaseMisplaced(draft);
  GrantTasks(draft);
  AnnounceRound(draft);
  DecideRemovals(draft);
  AskForRemovals(draft);
  NoticeTheEnd(draft);
  return absl::OkStatus();
}

}  // namespace interceptor::coordinator
