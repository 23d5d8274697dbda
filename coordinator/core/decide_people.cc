// What people ask for. A request with an id leaves an event even when nothing changes, so that a late copy
// of it (a pause that arrives again after the resume) does nothing.
#include <algorithm>

#include "common/base/status.h"
#include "coordinator/core/decide_parts.h"
#include "coordinator/core/queries.h"
#include "coordinator/core/requests.h"

namespace interceptor::coordinator {

absl::Status DecidePause(Draft& draft, const PausePlan& command) {
  const Facts& facts = draft.state.facts;
  ICPT_ASSIGN_OR_RETURN(const RequestCheck request,
                        CheckRequest(draft.state, command.request_id, "pause", RequestId::kOptional));
  if (request.known || (facts.paused && request.mark.id.empty())) return absl::OkStatus();
  const std::string reason = CleanText(command.reason);
  draft.Record(PlanPaused{reason.empty() ? "asked by a person" : reason}, request.mark);
  return absl::OkStatus();
}

absl::Status DecideResume(Draft& draft, const ResumePlan& command) {
  const Facts& facts = draft.state.facts;
  ICPT_ASSIGN_OR_RETURN(const RequestCheck request,
                        CheckRequest(draft.state, command.request_id, "resume", RequestId::kOptional));
  if (request.known) return absl::OkStatus();
  const bool run_paused = std::any_of(facts.tasks.begin(), facts.tasks.end(),
                                      [](const auto& task) { return task.second.paused; });
  if (!facts.paused && !run_paused && request.mark.id.empty()) return absl::OkStatus();
  draft.Record(PlanResumed{}, request.mark);
  return absl::OkStatus();
}

absl::Status DecideDrain(Draft& draft, const DrainWorker& command) {
  const State& state = draft.state;
  ICPT_ASSIGN_OR_RETURN(
      const RequestCheck request,
      CheckRequest(state, command.request_id, Cat("drain|", command.member), RequestId::kOptional));
  if (request.known) return absl::OkStatus();
  const auto& members = state.soft.plan.members;
  if (std::none_of(members.begin(), members.end(), [&](const auto& m) { return m.name == command.member; })) {
    return NotFound("member '", CleanText(command.member), "' is not in the plan");
  }
  if (SessionOfMember(state, command.member) == 0) return absl::OkStatus();
  if (state.facts.members.at(command.member).draining && request.mark.id.empty()) return absl::OkStatus();
  draft.Record(DrainRequested{command.member}, request.mark);
  return absl::OkStatus();
}

absl::Status DecidePin(Draft& draft, const PinCheckpoint& command) {
  ICPT_ASSIGN_OR_RETURN(
      const RequestCheck request,
      CheckRequest(draft.state, command.request_id, Cat("pin|", command.id), RequestId::kOptional));
  if (request.known) return absl::OkStatus();
  const CheckpointFacts* checkpoint = FindCheckpoint(draft.state, command.id);
  if (checkpoint == nullptr) return NotFound("checkpoint '", CleanText(command.id), "' is not there");
  if (checkpoint->pinned && request.mark.id.empty()) return absl::OkStatus();
  draft.Record(CheckpointPinned{command.id}, request.mark);
  return absl::OkStatus();
}

absl::Status DecideUnpin(Draft& draft, const UnpinCheckpoint& command) {
  ICPT_ASSIGN_OR_RETURN(
      const RequestCheck request,
      CheckRequest(draft.state, command.request_id, Cat("unpin|", command.id), RequestId::kOptional));
  if (request.known) return absl::OkStatus();
  const CheckpointFacts* checkpoint = FindCheckpoint(draft.state, command.id);
  if (checkpoint == nullptr) return NotFound("checkpoint '", CleanText(command.id), "' is not there");
  if (!checkpoint->pinned && request.mark.id.empty()) return absl::OkStatus();
  draft.Record(CheckpointUnpinned{command.id}, request.mark);
  return absl::OkStatus();
}

}  // namespace interceptor::coordinator
