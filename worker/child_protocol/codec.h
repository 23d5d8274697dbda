// The messages of agent and child processes as JSON: the one place that knows the names of their fields. Pure.
#pragma once

#include <optional>

#include <nlohmann/json.hpp>

#include "absl/status/statusor.h"
#include "worker/child_protocol/messages.h"

namespace interceptor::worker {

nlohmann::json ToJson(const PreparerEvent& event);
nlohmann::json ToJson(const TrainerEvent& event);
nlohmann::json ToJson(const IntegratorEvent& event);
nlohmann::json ToJson(const Command& command);

// INVALID_ARGUMENT names the field that is missing or of another type. The child may be newer than the agent:
// nothing for an event that is not known, and unknown fields are skipped.
template <typename Event>  // of one kind of child: PreparerEvent, TrainerEvent or IntegratorEvent
absl::StatusOr<std::optional<Event>> ReadEvent(const nlohmann::json& object);
// INVALID_ARGUMENT for unknown commands and fields too: a child obeys what it understands whole.
absl::StatusOr<Command> ReadCommand(const nlohmann::json& object);

}  // namespace interceptor::worker
