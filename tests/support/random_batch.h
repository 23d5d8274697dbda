// A batch of noise for programs that run where no data and no test framework are.
#pragma once

#include <cstring>

#include "common/base/random.h"
#include "worker/store/frame_batch.h"

namespace interceptor::worker {

// `count` pictures of `side` x `side`, a multiple of 8, every second one a fake; the same on every box.
inline FrameBatch RandomBatch(int count, int side) {
  FrameBatch batch;
  batch.input = {.count = count, .face_crop = {.side = side}};
  std::vector<uint8_t>& rgb = batch.input.face_crop.rgb;
  batch.samples.resize(static_cast<size_t>(count));
  const RandomKey key = MakeRandomKey(1, "random batch");
  rgb.resize(static_cast<size_t>(count) * side * side * 3);
  for (size_t i = 0; i < rgb.size(); i += sizeof(uint64_t)) {
    const uint64_t bits = RandomBits(key, i);
    std::memcpy(&rgb[i], &bits, sizeof(bits));
  }
  for (int i = 0; i < count; ++i) batch.is_fake.push_back(i % 2);
  return batch;
}

}  // namespace interceptor::worker
