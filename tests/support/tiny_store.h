// Clip stores with drawn pictures for tests of loader and engine: no video, a few kilobytes.
#pragma once

#include <cstdint>
#include <string>

#include "absl/status/status.h"

namespace interceptor {

struct TinyStore {
  std::string store;  // folder
  std::string chunk = "00";
  int families = 9;  // of one real and `fakes_per_family` fakes
  int fakes_per_family = 1;
  int frames = 4;
  int side = 32;
  int folds = 3;
  int held_out_fold = 0;
  double replay_share = 0.5;
  uint64_t seed = 1;
  bool all_views =
      false;  // also those that the specialists' front ends look at, of noise that tells the class
};

// Writes train.clips, keep.clips and the manifest. Every clip has a full-frame and a face-crop view of a
// face-like disc on a gradient; in a fake the disc's colour is off, so that a network can learn it.
absl::Status WriteTinyStore(const TinyStore& options);

}  // namespace interceptor
