// What preparing a folder of chunks will cost on this machine, from a few clips of each.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "worker/media/decoder_pool.h"
#include "worker/prepare/audit.h"
#include "worker/sampling/recipe.h"

namespace interceptor::worker {

// The verdict is also of the clips that were tried.
struct ChunkEstimate : ChunkAudit {
  int64_t clips = 0;
  int tried = 0;
  absl::Duration time = {}; // with every decoder at work
  int64_t store_bytes = 0;  // train and keep file together
};

// Decodes as many clips of each class and chunk as keep every decoder busy twice, spread over the chunk, and
// scales their time and bytes to all of it. `done` is called after each chunk. Fails only where nothing can
// be estimated.
absl::StatusOr<std::vector<ChunkEstimate>> EstimateFolder(
    const std::string& folder, const PreparationSettings& settings, const DecoderPoolOptions& pool,
    const std::function<void(const ChunkEstimate&)>& done);

// A table with one line a chunk and the sum, for a person.
std::string RenderEstimate(const std::vector<ChunkEstimate>& chunks);

}  // namespace interceptor::worker
