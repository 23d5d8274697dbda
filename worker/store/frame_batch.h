// The wall between data and engine: plain bytes, no tensors.
#pragma once

#include <cstdint>
#include <vector>

#include "worker/sampling/sampler.h"

namespace interceptor::worker {

// Square pictures of one size: RGB, [count, side, side, 3], row-major.
struct Pictures {
  int side = 0;
  std::vector<uint8_t> rgb = {};
};

// What a specialist sees of `count` samples: a member for each view that one of them looks at, empty for the
// others, with the samples in the same order in all.
struct SpecialistInput {
  int count = 0;
  Pictures face_crop = {};
};

struct FrameBatch {
  int64_t index = 0;  // in the epoch
  SpecialistInput input;
  std::vector<uint8_t> is_fake;  // per sample
  std::vector<Sample> samples;   // what was asked for, per sample
};

}  // namespace interceptor::worker
