#include "worker/agent/child_messages.h"

#include <utility>

#include "common/base/log.h"
#include "common/base/status.h"
#include "worker/child_protocol/codec.h"

namespace interceptor::worker {
namespace {

using Input = std::optional<SessionInput>;

struct InputOf {
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
  Input operator()(const PreparerProgressEvent& event) const { return PreparerMoved{child, event.done}; }
  Input operator()(const IntegratorProgressEvent& event) const { return IntegratorMoved{child, event.done}; }
  Input operator()(const JoinedEvent&) const { return RoundJoined{child}; }
  Input operator()(const FailedEvent& event) const { return ChildFailed{child, event.failure}; }
  Input operator()(const auto&) const { return std::nullopt; }

  ChildId child;
  std::string specialist = {};
};

struct NoteForPeople {
  std::optional<Note> operator()(const StartedEvent& event) const {
    return Note{false,
                Cat("trainer started from ", event.weights, " at step ", event.step, " on ", event.device)};
  }
  std::optional<Note> operator()(const GateEvent& event) const { return Note{false, event.text}; }
  std::optional<Note> operator()(const QuarantineEvent& event) const {
    return Note{true, Cat("quarantined ", event.clip, ": ", event.reason)};
  }
  std::optional<Note> operator()(const auto&) const { return std::nullopt; }
};

void LogOf(const RegisteredChild& child, const std::optional<Note>& note) {
  if (note) LogNote({note->warning, Cat(child.Name(), ": ", note->text)});
}

}  // namespace

Input ToInput(ChildId child, const std::string& specialist, const TrainerEvent& event) {
  return std::visit(InputOf{child, specialist}, event);
}
Input ToInput(ChildId child, const PreparerEvent& event) { return std::visit(InputOf{child}, event); }
Input ToInput(ChildId child, const IntegratorEvent& event) { return std::visit(InputOf{child}, event); }

std::optional<Note> NoteOf(const TrainerEvent& event) { return std::visit(NoteForPeople{}, event); }
std::optional<Note> NoteOf(const PreparerEvent& event) { return std::visit(NoteForPeople{}, event); }

absl::StatusOr<std::optional<SessionInput>> ChildMessages::Read(ChildId id, const RegisteredChild& child,
                                                                const nlohmann::json& message) {
  switch (child.kind) {
    case ChildKind::kPreparer:
      return ReadPreparer(id, child, message);
    case ChildKind::kTrainer: {
      ICPT_ASSIGN_OR_RETURN(const std::optional<TrainerEvent> event, ReadEvent<TrainerEvent>(message));
      if (!event) return std::optional<SessionInput>();
      LogOf(child, NoteOf(*event));
      return ToInput(id, child.subject, *event);
    }
    case ChildKind::kIntegrator: {
      ICPT_ASSIGN_OR_RETURN(const std::optional<IntegratorEvent> event, ReadEvent<IntegratorEvent>(message));
      return event ? ToInput(id, *event) : std::nullopt;
    }
  }
  return std::optional<SessionInput>();
}

absl::StatusOr<std::optional<SessionInput>> ChildMessages::ReadPreparer(ChildId id,
                                                                        const RegisteredChild& child,
                                                                        const nlohmann::json& message) {
  ICPT_ASSIGN_OR_RETURN(const std::optional<PreparerEvent> event, ReadEvent<PreparerEvent>(message));
  if (!event) return std::optional<SessionInput>();
  LogOf(child, NoteOf(*event));
  if (std::holds_alternative<ManifestEvent>(*event)) {
    store_.Trust(child.subject);
    ICPT_ASSIGN_OR_RETURN(StoredChunk stored, store_.Look(child.subject));
    ICPT_LOG(kInfo) << "chunk " << child.subject << " prepared: " << stored.manifest.clips << " clips, "
                    << stored.manifest.families << " families, " << stored.manifest.quarantined
                    << " quarantined";
    return std::optional<SessionInput>(ManifestBuilt{id, std::move(stored)});
  }
  // While another worker builds the same store there is nothing to count, yet it moves.
  const auto* progress = std::get_if<PreparerProgressEvent>(&*event);
  if (progress != nullptr && progress->total == 0)
    return std::optional<SessionInput>(PreparerMoved{id, -++waits_});
  return ToInput(id, *event);
}

void LogNote(const Note& note) {
  LogLine(note.warning ? LogLevel::kWarning : LogLevel::kInfo).stream() << note.text;
}

}  // namespace interceptor::worker
