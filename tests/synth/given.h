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

struct GivenTake {
  Take take;
  int rotation_degrees = 0;  // of the display matrix
  double sound_level = 0;    // root mean square, full scale is 1
};

// The clip's first `frames_max` frames with a face track (the middle of the picture where no face is found).
absl::StatusOr<GivenTake> ReadGivenTake(const std::string& path, int frames_max, FaceFinder& finder);

// Shape, rotation and sound level of `family` become the clip's, and the levels of its clips move with it.
void AdoptSettings(const GivenTake& given, FamilyRecipe& family);

}  // namespace interceptor::synth
