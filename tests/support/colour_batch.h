// A batch that any network learns in a few steps: fakes are red, reals are green.
#pragma once

#include <cstdint>
#include <vector>

#include "common/base/random.h"
#include "worker/store/frame_batch.h"

namespace interceptor::worker {

inline FrameBatch ColourBatch(int count, int side) {
  FrameBatch batch;
  batch.input = {.count = count, .face_crop = {.side = side}};
  std::vector<uint8_t>& rgb = batch.input.face_crop.rgb;
  for (int i = 0; i < count; ++i) {
    const bool fake = i % 2 == 1;
    batch.is_fake.push_back(fake);
    Sample sample;
    sample.clip = static_cast<uint32_t>(i);
    sample.augmentation = MakeRandomKey(1, "test", {static_cast<uint64_t>(i)});
    batch.samples.push_back(sample);
    for (int p = 0; p < side * side; ++p) {
      const auto shade = static_cast<uint8_t>(100 + (p * (i + 3)) % 31);
      rgb.insert(rgb.end(), {fake ? uint8_t{200} : shade, fake ? shade : uint8_t{200}, shade});
    }
  }
  return batch;
}

}  // namespace interceptor::worker
