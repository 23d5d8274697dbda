// What the plan's settings ask of the decoders: the pool's face model, and a clip of the archive as a
// request.
#pragma once

#include "absl/status/statusor.h"
#include "worker/media/decoder_pool.h"
#include "worker/prepare/archive.h"
#include "worker/prepare/labels.h"
#include "worker/sampling/recipe.h"

namespace interceptor::worker {

// `pool` with the face model that the settings name, which lies in `data` beside the zips, or as it is where
// they name none. INVALID_ARGUMENT says the mend.
absl::StatusOr<DecoderPoolOptions> PoolOf(DecoderPoolOptions pool, const std::string& data,
                                          const PreparationSettings& settings);

// UNAVAILABLE when the zip cannot be read just now; any other error is a reason to quarantine the clip.
absl::StatusOr<DecodeRequest> MakeDecodeRequest(Archive& archive, const LabelledClip& clip,
                                                const PreparationSettings& settings);

}  // namespace interceptor::worker
