// What the plan's settings ask of the decoders: the face model, and a clip of the archive as a request.
#pragma once

#include <future>

#include "absl/status/statusor.h"
#include "common/io/file_system.h"
#include "worker/media/decoder_pool.h"
#include "worker/prepare/archive.h"
#include "worker/prepare/labels.h"
#include "worker/sampling/recipe.h"

namespace interceptor::worker {

struct FaceModel {
  std::string path;
  std::string sha256;
};

// The face model that the settings name, which lies in `data` beside the zips; `own_path` where they name
// none. Errors name the file, what is expected and the remedy: one model never stands in for another.
absl::StatusOr<FaceModel> FindFaceModel(const FileSystem& files, const std::string& own_path,
                                        const std::string& data, const PreparationSettings& settings);

// Hands a clip of the archive to the pool. One that cannot be read is answered at once: by a fault, or by
// UNAVAILABLE when it is the zip that cannot be read just now.
std::future<DecodeOutcome> SubmitClip(DecoderPool& pool, Archive& archive, const LabelledClip& clip,
                                      const PreparationSettings& settings);

}  // namespace interceptor::worker
