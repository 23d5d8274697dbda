#include "coordinator/core/leases.h"

#include <algorithm>

#include "common/base/status.h"
#include "coordinator/core/limits.h"
#include "coordinator/core/queries.h"
#include "coordinator/core/rounds.h"

namespace interceptor::coordinator {
namespace {

// True while the box can do nothing but wait: the chunk (or the round) is not there.
bool WaitsForGoodReason(const State& state, const Progress& progress) {
  const TaskFacts& task = TaskOf(state, progress.task.task);
  if (progress.task.task == kIntegrateTask) return !RoundIsReady(state, task.next_chunk);
  const std::string& box = task.holder->box;
  return !BoxHasChunk(state, box, task.next_chunk) || !BoxHasChunk(state, box, progress.cursor.chunk);
}

// A box takes turns among all the runs it has, also those of a pair that it stands in for.
bool SiblingMoved(const State& state, const Progress& progress) {
  const std::string& name = progress.task.task;
  const Lease* own = LeaseOf(state, name);
  if (own == nullptr) return false;
  for (const std::string& sibling : TasksHeldBy(state, TaskOf(state, name).last_box)) {
    const Lease* lease = LeaseOf(state, sibling);
    if (sibling == name || sibling == kIntegrateTask || lease == nullptr || !lease->progress) continue;
    if (lease->progress->phase == Phase::kWaitingForTurn) continue;
    if (lease->last_progress > own->last_progress) return true;
  }
  return false;
}

// A stalled task is taken from a box that is there; of a box that is away, the lease expires instead.
bool IsStalled(const Draft& draft, const TaskFacts& task, const Lease& lease) {
  const State& state = draft.state;
  return SessionOfBox(state, task.holder->box) != 0 &&
         draft.now - lease.last_progress >= state.soft.plan.stall;
}

void EndStalledTask(Draft& draft, const TaskRef& ref, const Lease& lease) {
  const State& state = draft.state;
  const Phase phase = lease.progress ? lease.progress->phase : Phase::kUnknown;
  const std::string text = Cat("no progress for ", absl::FormatDuration(state.soft.plan.stall), " while ",
                               lease.progress ? ToString(phase) : "starting");
  draft.Send(SessionOfBox(state, TaskOf(state, ref.task).holder->box), Drop{ref, text});
  RecordFailure(draft, ref, {.code = absl::StatusCode::kDeadlineExceeded, .text = text, .retryable = true},
                {});
  draft.touched.insert(ref.task);
}

// One save in flight a run; asked again when nothing came of it.
bool SaveIsInFlight(const Draft& draft, const Lease& lease) {
  if (lease.progress && lease.progress->phase == Phase::kSaving) return true;
  return lease.save_asked && draft.now - *lease.save_asked < draft.state.soft.plan.stall;
}

void AskForSave(Draft& draft, const TaskRef& ref) {
  const SessionId session = SessionOfBox(draft.state, TaskOf(draft.state, ref.task).holder->box);
  if (session == 0) return;
  draft.Send(session, SaveNow{ref});
  draft.Note(SaveAsked{ref.task, draft.now});
}

// A paused plan stops each run at its next save, at once when there is nothing to save.
void StopForPause(Draft& draft, const TaskRef& ref, const Lease& lease) {
  const State& state = draft.state;
  const bool saved =
      lease.saved_since_pause || ref.task == kIntegrateTask || !MayHaveUnsavedWork(state, ref.task);
  const bool in_vain = lease.save_asked && draft.now - *lease.save_asked >= state.soft.plan.stall;
  if (saved || in_vain) {
    Release(draft, ref, Cat("the plan is paused: ", state.facts.pause_reason));
  } else if (!lease.save_asked) {
    AskForSave(draft, ref);
  }
}

void AskWhenDue(Draft& draft, const TaskRef& ref, const Lease& lease) {
  const State& state = draft.state;
  if (ref.task == kIntegrateTask || SaveIsInFlight(draft, lease) || DiskIsLow(state)) return;
  if (UnsavedSeconds(state, ref.task) < absl::ToDoubleSeconds(state.soft.plan.checkpoint_period)) return;
  const std::string specialist = SpecialistOf(ref.task);
  // Peak is three: a fourth may not come before the first is gone.
  const auto& removals = state.facts.removals;
  const bool removing = std::any_of(removals.begin(), removals.end(),
                                    [&](const auto& removal) { return removal.second == specialist; });
  if (!removing) AskForSave(draft, ref);
}

}  // namespace

bool ProgressRenews(const State& state, const Progress& progress) {
  if (progress.phase == Phase::kWaitingForTurn) return SiblingMoved(state, progress);
  if (progress.phase == Phase::kWaitingForData && WaitsForGoodReason(state, progress)) return true;
  const Lease* lease = LeaseOf(state, progress.task.task);
  if (lease == nullptr || !lease->progress) return true;
  return progress.phase != lease->progress->phase || progress.activity != lease->progress->activity;
}

bool CloseSilentSessions(Draft& draft) {
  bool closed = false;
  const absl::Duration longest = draft.state.soft.plan.lease_ttl * kSilentLeasesMax;
  for (const auto& [id, session] : draft.state.soft.sessions) {
    if (draft.now - session.last_seen < longest) continue;
    draft.Note(SessionEnded{.session = id, .now = draft.now});
    draft.Do(CloseSession{id, Unavailable("silent for ", absl::FormatDuration(longest), ": attach again")});
    draft.decision.tick_soon = true;
    closed = true;
  }
  return closed;
}

void Release(Draft& draft, const TaskRef& ref, const std::string& reason) {
  const State& state = draft.state;
  draft.Send(SessionOfBox(state, TaskOf(state, ref.task).holder->box), Drop{ref, reason});
  draft.Record(TaskReleased{ref, reason});
  draft.touched.insert(ref.task);
}

void WatchLeases(Draft& draft) {
  const State& state = draft.state;
  const auto is_due = [&](const std::string&, const Lease& lease) {
    return draft.now >= lease.deadline || draft.now - lease.last_progress >= state.soft.plan.stall;
  };
  for (const std::string& name : HeldTasks(state, is_due)) {
    const TaskFacts& task = TaskOf(state, name);
    const Lease& lease = *LeaseOf(state, name);
    const TaskRef ref{name, task.term};
    if (IsStalled(draft, task, lease)) {
      EndStalledTask(draft, ref, lease);
    } else if (!task.holder->lease_dead && draft.now >= lease.deadline) {
      const bool connected = SessionOfBox(state, task.holder->box) != 0;
      draft.Record(LeaseExpired{ref, Cat(connected ? "no progress for " : "nothing heard from its box for ",
                                         absl::FormatDuration(state.soft.plan.lease_ttl))});
      draft.touched.insert(name);
    }
  }
}

void AskForSaves(Draft& draft) {
  const State& state = draft.state;
  const double period = absl::ToDoubleSeconds(state.soft.plan.checkpoint_period);
  const auto may_save = [&](const std::string&, const Lease& lease) {
    return state.facts.paused || (lease.progress && lease.progress->training_seconds >= period);
  };
  for (const std::string& name : HeldTasks(state, may_save)) {
    if (draft.touched.contains(name)) continue;
    const Lease& lease = *LeaseOf(state, name);
    const TaskRef ref{name, TaskOf(state, name).term};
    if (state.facts.paused) {
      StopForPause(draft, ref, lease);
    } else {
      AskWhenDue(draft, ref, lease);
    }
  }
}

void AskToDrain(Draft& draft) {
  for (const auto& [name, member] : draft.state.facts.members) {
    if (!member.draining) continue;
    const SessionId id = SessionOfBox(draft.state, member.box);
    const Session* session = FindSession(draft.state, id);
    if (session == nullptr || session->drain_sent) continue;
    draft.Send(id, Drain{"asked by a person"});
    draft.Note(DrainSent{id});
  }
}

absl::Duration RetryPause(int failures) {
  absl::Duration pause = absl::Milliseconds(kRetryPauseMsMin);
  const absl::Duration longest = absl::Milliseconds(kRetryPauseMsMax);
  for (int i = 1; i < failures && pause < longest; ++i) pause *= 2;
  return std::min(pause, longest);
}

void RecordFailure(Draft& draft, const TaskRef& task, const Failure& failure, const RequestMark& request) {
  const int failures = TaskOf(draft.state, task.task).failures + 1;
  const bool worn_out = failure.retryable && failures >= kFailuresMax;
  const std::string text = worn_out ? Cat(failure.text, " (", failures, " times in a row)") : failure.text;
  draft.Record(TaskFailureRecorded{task, failure.code, text, !failure.retryable || worn_out}, request);
  draft.Note(RetryPostponed{task.task, draft.now + RetryPause(failures)});
}

}  // namespace interceptor::coordinator
