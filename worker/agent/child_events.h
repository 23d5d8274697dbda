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
// ignored, because a child may be newer.
absl::StatusOr<std::optional<SessionInput>> FromTrainer(ChildId child, const std::string& specialist,
                                                        const nlohmann::json& event);
absl::StatusOr<std::optional<SessionInput>> FromPreparer(ChildId child, const nlohmann::json& event);

nlohmann::json ToCommand(const GiveChunk& give);

}  // namespace interceptor::worker
