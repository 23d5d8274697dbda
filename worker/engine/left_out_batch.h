// What becomes of a batch whose loss or gradient is not finite. Every draw is counter-based, so after a restart the same
// step would come out the same: one batch is left out and remembered, a second says that something else is wrong.
#pragma once

#include <string_view>

#include "absl/status/status.h"
#include "worker/engine/checkpoint.h"

namespace interceptor::worker {

// Remembers the batch at the cursor in `info` and warns. INTERNAL, naming both, when `info` holds one already.
absl::Status LeaveBatchOut(std::string_view chunk, CheckpointInfo& info);

}  // namespace interceptor::worker
