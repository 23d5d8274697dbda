// Events of child processes as inputs of the session, and orders of the session as commands to children. Pure.
#pragma once

#include <optional>
#include <string>

#include "worker/child_protocol/messages.h"
#include "worker/session/session_values.h"

namespace interceptor::worker {

// Nothing for events that concern people alone, and for a preparer's `manifest`, which needs a look into the
// store.
std::optional<SessionInput> ToInput(ChildId child, const std::string& specialist, const TrainerEvent& event);
std::optional<SessionInput> ToInput(ChildId child, const PreparerEvent& event);
std::optional<SessionInput> ToInput(ChildId child, const IntegratorEvent& event);

// The log's line about an event that concerns people: how a trainer started, what the data gate says, which
// clip is quarantined. Nothing for other events.
std::optional<Note> NoteOf(const TrainerEvent& event);
std::optional<Note> NoteOf(const PreparerEvent& event);

}  // namespace interceptor::worker
