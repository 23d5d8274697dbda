#include "worker/agent/child_events.h"

#include "common/base/status.h"

namespace interceptor::worker {
namespace {

using Input = std::optional<SessionInput>;

struct TrainerInput {
  Input operator()(const ReadyEvent& event) const { return TrainerReady{child, event.next_chunk}; }
  Input operator()(const TrainerProgressEvent& event) const { return TrainerMoved{child, event.progress}; }
  Input operator()(const CheckpointEvent& event) const {
    TrainerSaved saved{child, event.checkpoint, event.path};
    saved.checkpoint.specialist = specialist;
    return saved;
  }
  Input operator()(const EvaluationEvent& event) const {
    TrainerEvaluated evaluated{child, event.evaluation, event.path};
    evaluated.evaluation.specialist = specialist;
    return evaluated;
  }
  Input operator()(const ChunkFinishedEvent& event) const {
    return TrainerFinishedChunk{child, {event.chunk, event.step, event.training_seconds}};
  }
  Input operator()(const FinishedEvent&) const { return TrainerFinished{child}; }
  Input operator()(const FailedEvent& event) const { return ChildFailed{child, event.failure}; }
  Input operator()(const HelloEvent&) const { return std::nullopt; }
  Input operator()(const StartedEvent&) const { return std::nullopt; }

  ChildId child;
  const std::string& specialist;
};

}  // namespace

std::optional<SessionInput> ToInput(ChildId child, const std::string& specialist, const TrainerEvent& event) {
  return std::visit(TrainerInput{child, specialist}, event);
}

std::optional<SessionInput> ToInput(ChildId child, const PreparerEvent& event) {
  if (const auto* progress = std::get_if<PreparerProgressEvent>(&event)) {
    return PreparerMoved{child, progress->done};
  }
  if (const auto* failed = std::get_if<FailedEvent>(&event)) return ChildFailed{child, failed->failure};
  return std::nullopt;
}

std::optional<SessionInput> ToInput(ChildId child, const IntegratorEvent& event) {
  if (const auto* progress = std::get_if<IntegratorProgressEvent>(&event)) {
    return IntegratorMoved{child, progress->done};
  }
  if (std::holds_alternative<JoinedEvent>(event)) return RoundJoined{child};
  if (const auto* failed = std::get_if<FailedEvent>(&event)) return ChildFailed{child, failed->failure};
  return std::nullopt;
}

std::optional<Note> NoteOf(const TrainerEvent& event) {
  const auto* started = std::get_if<StartedEvent>(&event);
  if (started == nullptr) return std::nullopt;
  return Note{false, Cat("trainer started from ", started->weights, " at step ", started->step, " on ",
                         started->device)};
}

std::optional<Note> NoteOf(const PreparerEvent& event) {
  if (const auto* gate = std::get_if<GateEvent>(&event)) return Note{false, gate->text};
  if (const auto* quarantine = std::get_if<QuarantineEvent>(&event)) {
    return Note{true, Cat("quarantined ", quarantine->clip, ": ", quarantine->reason)};
  }
  return std::nullopt;
}

}  // namespace interceptor::worker
