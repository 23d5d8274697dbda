// A lease lives by progress. Each phase has its own idea of progress:
//   preparing, training, evaluating, saving, integrating   the activity counter moved, or the phase changed
//   waiting for turn    the sibling run on the same box moved (and does not wait for its turn itself)
//   waiting for data    a report is enough while the data is truly not there
// What lives on pings alone loses its lease after the time to live and its task after the stall time.
#pragma once

#include "coordinator/core/draft.h"

namespace interceptor::coordinator {

// Whether this report, from the task's holder, renews its lease.
bool ProgressRenews(const State& state, const Progress& progress);

// Steps of Tick.
// True when it closed one: the rest of the Tick waits for the next.
bool CloseSilentSessions(Draft& draft);
void WatchLeases(Draft& draft);  // expiry and watchdog
void AskForSaves(Draft& draft);  // three hours of training, or a pause
void AskToDrain(Draft& draft);

// Takes the task from its holder, who drops it. REQUIRES: somebody holds it.
void Release(Draft& draft, const TaskRef& ref, const std::string& reason);

// Failures so far decide how long a task rests before it is granted again.
absl::Duration RetryPause(int failures);

// Records the failure (pausing the run when a retry cannot cure it or has not), and the rest before the next.
void RecordFailure(Draft& draft, const TaskRef& task, const Failure& failure, const RequestMark& request);

}  // namespace interceptor::coordinator
