// What the messages of children mean to the session; what in them concerns people goes to the log. One thread.
#pragma once

#include <optional>

#include <nlohmann/json.hpp>

#include "absl/status/statusor.h"
#include "worker/agent/child_registry.h"
#include "worker/agent/store_keeper.h"

namespace interceptor::worker {

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
