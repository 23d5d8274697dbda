// interceptor-prepare's commands over a folder of chunks; they only look.
#pragma once

#include <string>

#include "absl/status/status.h"
#include "worker/media/decoder_pool.h"
#include "worker/sampling/recipe.h"

namespace interceptor::worker {

// Prints the gate's table to stdout. FAILED_PRECONDITION when something must be repaired.
absl::Status RunAudit(const std::string& folder, const RunSettings& settings);

// Prints hours and bytes of each chunk to stdout, and progress to stderr.
absl::Status RunEstimate(const std::string& folder, const PreparationSettings& settings,
                         const DecoderPoolOptions& pool);

}  // namespace interceptor::worker
