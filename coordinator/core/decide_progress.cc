// Progress renews a lease when something moved. A ping keeps the stream, not the lease.
#include <cmath>

#include "common/base/status.h"
#include "coordinator/core/decide_parts.h"
#include "coordinator/core/leases.h"
#include "coordinator/core/queries.h"

namespace interceptor::coordinator {
namespace {

absl::Status CheckProgress(const State& state, const Progress& progress) {
  ICPT_RETURN_IF_ERROR(
      CheckCursor(state, Cat("progress.cursor of ", CleanText(progress.task.task)), progress.cursor));
  if (progress.step < 0 || progress.chunk_steps < 0 || progress.activity < 0) {
    return InvalidArgument("progress.step, chunk_steps and activity must be 0 or more");
  }
  if (!std::isfinite(progress.training_seconds) || progress.training_seconds < 0) {
    return InvalidArgument("progress.training_seconds is ", progress.training_seconds,
                           ", allowed: 0 or more");
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status DecideOn(Draft& draft, const ProgressReported& command) {
  const State& state = draft.state;
  ICPT_ASSIGN_OR_RETURN(const Session* session, OpenSession(state, command.session));
  const TaskRef& ref = command.progress.task;
  ICPT_RETURN_IF_ERROR(CheckProgress(state, command.progress));
  if (const absl::Status status = CheckHolder(state, session->box, ref); !status.ok()) {
    draft.Note(SessionSeen{command.session, draft.now});
    draft.Send(command.session, Drop{ref, Message(status)});
    return absl::OkStatus();
  }
  const bool renews = ProgressRenews(state, command.progress);
  Progress progress = command.progress;
  progress.trouble = CleanText(progress.trouble);
  draft.Note(ProgressNoted{
      .session = command.session, .progress = std::move(progress), .renews = renews, .now = draft.now});
  if (!renews) return absl::OkStatus();
  if (TaskOf(state, ref.task).holder->lease_dead) draft.Record(LeaseReclaimed{ref});
  draft.Send(command.session, Renewed{ref, command.update_number, NextReportIn(state)});
  return absl::OkStatus();
}

}  // namespace interceptor::coordinator
