// What people ask for. A request with an id leaves an event even when nothing changes, so that a late copy
// of it (a pause that arrives again after the resume) does nothing.
#include <algorithm>

#include "common/base/status.h"
#include "coordinator/core/decide_parts.h"
#include "coordinator/core/queries.h"
#include "coordinator/core/requests.h"

namespace interceptor::coordinator {
namespace {

absl::Status SetPinned(Draft& draft, const std::string& request_id, const std::string& id, bool pinned) {
  const std::string content = Cat(pinned ? "pin|" : "unpin|", id);
  ICPT_ASSIGN_OR_RETURN(const RequestCheck request,
                        CheckRequest(draft.state, request_id, content, RequestId::kOptional));
  if (request.known) return absl::OkStatus();
  const CheckpointFacts* checkpoint = FindCheckpoint(draft.state, id);
  if (checkpoint == nullptr) return NotFound("checkpoint '", CleanText(id), "' is not there");
  if (checkpoint->pinned == pinned && request.mark.id.empty()) return absl::OkStatus();
  draft.Record(pinned ? DurableEvent(CheckpointPinned{id}) : CheckpointUnpinned{id}, request.mark);
  return absl::OkStatus();
}

}  // namespace

absl::Status DecideOn(Draft& draft, const PausePlan& command) {
  const Facts& facts = draft.state.facts;
  ICPT_ASSIGN_OR_RETURN(const RequestCheck request,
                        CheckRequest(draft.state, command.request_id, "pause", RequestId::kOptional));
  if (request.known || (facts.paused && request.mark.id.empty())) return absl::OkStatus();
  const std::string reason = CleanText(command.reason);
  draft.Record(PlanPaused{reason.empty() ? "asked by a person" : reason}, request.mark);
  return absl::OkStatus();
}

absl::Status DecideOn(Draft& draft, const ResumePlan& command) {
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

absl::Status DecideOn(Draft& draft, const DrainWorker& command) {
  const State& state = draft.state;
  ICPT_ASSIGN_OR_RETURN(
      const RequestCheck request,
      CheckRequest(state, command.request_id, Cat("drain|", command.member), RequestId::kOptional));
  if (request.known) return absl::OkStatus();
  if (!state.soft.index.members.contains(command.member)) {
    return NotFound("member '", CleanText(command.member), "' is not in the plan");
  }
  if (SessionOfMember(state, command.member) == 0) return absl::OkStatus();
  if (state.facts.members.at(command.member).draining && request.mark.id.empty()) return absl::OkStatus();
  draft.Record(DrainRequested{command.member}, request.mark);
  return absl::OkStatus();
}

absl::Status DecideOn(Draft& draft, const PinCheckpoint& command) {
  return SetPinned(draft, command.request_id, command.id, true);
}

absl::Status DecideOn(Draft& draft, const UnpinCheckpoint& command) {
  return SetPinned(draft, command.request_id, command.id, false);
}

}  // namespace interceptor::coordinator
