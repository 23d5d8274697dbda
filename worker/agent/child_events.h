// Events of child processes (docs/child-protocol.md) as inputs of the session, and orders of the session as
// commands to children. Pure.
#pragma once

#include <optional>
#include <string>

#include <nlohmann/json.hpp>

#include "absl/status/statusor.h"
#include "worker/session/session_values.h"

namespace interceptor::worker {

// Nothing for events that concern people alone (hello, started, gate, quarantine) and for `manifest`, which
// needs a look into the store. INVALID_ARGUMENT names what is missing or of another type; unknown events are
// ignored, because a child may be newer. A preparer that waits for another process to make the store counts
// 0 of 0: `done` is then -1.
absl::StatusOr<std::optional<SessionInput>> FromTrainer(ChildId child, const std::string& specialist,
                                                        const nlohmann::json& event);
absl::StatusOr<std::optional<SessionInput>> FromPreparer(ChildId child, const nlohmann::json& event);
absl::StatusOr<std::optional<SessionInput>> FromIntegrator(ChildId child, const nlohmann::json& event);

// The name of an event. INVALID_ARGUMENT when it has none.
absl::StatusOr<std::string> EventName(const nlohmann::json& event);

// The log's line about an event that concerns people: how a trainer started, what the data gate says, which
// clip is quarantined. Nothing for other events.
absl::StatusOr<std::optional<Note>> NoteOf(const nlohmann::json& event);

nlohmann::json ToCommand(const GiveChunk& give);

}  // namespace interceptor::worker
