// The wall between data and engine: plain bytes, no tensors.
#pragma once

#include <cstdint>
#include <vector>

#include "worker/sampling/sampler.h"

namespace interceptor::worker {

// Pictures of one batch: RGB, [count, side, side, 3], row-major.
struct FrameBatch {
  int64_t index = 0;  // in the epoch
  int side = 0;
  int count = 0;
  std::vector<uint8_t> pixels;
  std::vector<uint8_t> is_fake;  // per picture
  std::vector<Sample> samples;   // what was asked for, per picture
};

}  // namespace interceptor::worker
