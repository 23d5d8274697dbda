// What the messages of children mean to the session; what in them concerns people goes to the log. One thread.
#pragma once

#include <optional>
#include <string>

#include <nlohmann/json.hpp>

#include "absl/status/statusor.h"
#include "worker/agent/child_registry.h"
#include "worker/agent/store_keeper.h"
#include "worker/child_protocol/messages.h"

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

class ChildMessages {
 public:
  explicit ChildMessages(StoreKeeper& store) : store_(store) {}

  // Nothing for a message that the session need not know. INVALID_ARGUMENT for one that breaks the protocol.
  absl::StatusOr<std::optional<SessionInput>> Read(ChildId id, const RegisteredChild& child,
                                                   const nlohmann::json& message);

 private:
  absl::StatusOr<std::optional<SessionInput>> ReadPreparer(ChildId id, const RegisteredChild& child,
                                                           const nlohmann::json& message);

  StoreKeeper& store_;
  int64_t waits_ = 0;
};

// One line of the log.
void LogNote(const Note& note);

}  // namespace interceptor::worker
