#include "worker/agent/child_messages.h"

#include <utility>

#include "common/base/log.h"
#include "common/base/status.h"
#include "worker/agent/child_events.h"
#include "worker/child_protocol/codec.h"

namespace interceptor::worker {
namespace {

void LogOf(const RegisteredChild& child, const std::optional<Note>& note) {
  if (note) LogNote({note->warning, Cat(child.Name(), ": ", note->text)});
}

}  // namespace

absl::StatusOr<std::optional<SessionInput>> ChildMessages::Read(ChildId id, const RegisteredChild& child,
                                                                const nlohmann::json& message) {
  switch (child.kind) {
    case ChildKind::kPreparer:
      return ReadPreparer(id, child, message);
    case ChildKind::kTrainer: {
      ICPT_ASSIGN_OR_RETURN(const std::optional<TrainerEvent> event, ReadTrainerEvent(message));
      if (!event) return std::optional<SessionInput>();
      LogOf(child, NoteOf(*event));
      return ToInput(id, child.subject, *event);
    }
    case ChildKind::kIntegrator: {
      ICPT_ASSIGN_OR_RETURN(const std::optional<IntegratorEvent> event, ReadIntegratorEvent(message));
      return event ? ToInput(id, *event) : std::nullopt;
    }
  }
  return std::optional<SessionInput>();
}

absl::StatusOr<std::optional<SessionInput>> ChildMessages::ReadPreparer(ChildId id,
                                                                        const RegisteredChild& child,
                                                                        const nlohmann::json& message) {
  ICPT_ASSIGN_OR_RETURN(const std::optional<PreparerEvent> event, ReadPreparerEvent(message));
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
