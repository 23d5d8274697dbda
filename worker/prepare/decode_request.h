// A clip of the archive as a request to the pool.
#pragma once

#include "absl/status/statusor.h"
#include "worker/core/recipe.h"
#include "worker/prepare/archive.h"
#include "worker/prepare/decoder_pool.h"
#include "worker/prepare/labels.h"

namespace interceptor::worker {

// Any error is a reason to quarantine the clip.
absl::StatusOr<DecodeRequest> MakeDecodeRequest(Archive& archive, const LabelledClip& clip,
                                                const PreparationSettings& settings);

}  // namespace interceptor::worker
