// Given clips as takes, so that artefacts can be planted in real video.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "tests/synth/face.h"
#include "tests/synth/recipe.h"

namespace interceptor::synth {

// Paths of the *.mp4 in a folder in name order, without those that its metadata.json, if there is one, calls
// FAKE. NOT_FOUND when none is left.
absl::StatusOr<std::vector<std::string>> ListGivenClips(const std::string& folder);

// The clip's first `frames_max` frames with a face track (the middle of the picture where no face is found).
// Size, rate, rotation and sound settings of `family` become the clip's, and every sound level in it is moved
// to the clip's own.
absl::StatusOr<Take> ReadGivenTake(const std::string& path, int frames_max, FaceFinder& finder,
                                   FamilyRecipe& family);

}  // namespace interceptor::synth
