// Which checkpoints stay: the newest `keep_latest` intact ones of each specialist, pinned ones, and the one
// a running task started from. An older one goes only when that many newer ones are durable.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "coordinator/core/draft.h"

namespace interceptor::coordinator {

// Ids that may go, oldest first.
std::vector<std::string> Removable(const State& state, std::string_view specialist);

// What the vault holds at rest for checkpoints once `added` is committed and what may go is gone.
int64_t BytesAtRest(const State& state, const Checkpoint& added);

// Asks for the specialist's newest checkpoint to be read back, unless it is known to be damaged.
void ReadNewestBack(Draft& draft, std::string_view specialist);

// Steps of Tick.
void DecideRemovals(Draft& draft);
void AskForRemovals(Draft& draft);

}  // namespace interceptor::coordinator
