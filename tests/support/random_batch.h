// A batch of noise for programs that run where no data and no test framework are.
#pragma once

#include <algorithm>
#include <cstring>
#include <span>

#include "common/base/random.h"
#include "worker/store/frame_batch.h"
#include "worker/store/view_shapes.h"

namespace interceptor::worker {

// `bytes` of noise, of a counter each eight.
inline void FillWithNoise(const RandomKey& key, std::vector<uint8_t>& bytes) {
  for (size_t i = 0; i < bytes.size(); i += sizeof(uint64_t)) {
    const uint64_t bits = RandomBits(key, i);
    std::memcpy(&bytes[i], &bits, std::min(sizeof(bits), bytes.size() - i));
  }
}

// `views` of `count` clips, face crops of `side` x `side`, every second one a fake; the same on every box.
inline FrameBatch RandomBatch(int count, int side, std::span<const View> views) {
  FrameBatch batch;
  const auto samples = static_cast<size_t>(count);
  batch.input = {.count = count, .usable = std::vector<uint8_t>(samples, 1)};
  batch.samples.resize(samples);
  SpecialistInput& input = batch.input;
  for (const View view : views) {
    const RandomKey key = MakeRandomKey(1, "random batch", {static_cast<uint64_t>(view)});
    const auto fill = [&](std::vector<uint8_t>& bytes, size_t of_each) {
      bytes.resize(samples * of_each);
      FillWithNoise(key, bytes);
    };
    constexpr size_t kPatches = size_t{kPatchFrames} * kComparedPlaces;
    if (view == View::kFaceCrop) {
      input.face_crop.side = side;
      fill(input.face_crop.rgb, size_t{3} * side * side);
    } else if (view == View::kLumaPatches) {
      fill(input.patches.luma, kPatches * kPatchPixels * kPatchPixels);
    } else if (view == View::kCodecFacts) {
      fill(input.patches.quantisers, kPatches * kPatchBlocks * kPatchBlocks);
    } else if (view == View::kMouthTrack) {
      fill(input.windows.mouth, size_t{kMouthFrames} * kMouthPixels * kMouthPixels);
    } else if (view == View::kBurst) {
      fill(input.bursts.luma, size_t{kBurstFrames} * kBurstPixels * kBurstPixels);
    } else if (view == View::kLogMel) {
      for (size_t i = 0; i < samples * kMelColumns * kMelBands; ++i)
        input.windows.log_mel.push_back(static_cast<float>(RandomNormal(key, i)));
    }
  }
  for (int i = 0; i < count; ++i) {
    batch.is_fake.push_back(i % 2);
    batch.samples[i].augmentation = MakeRandomKey(1, "augmentation", {static_cast<uint64_t>(i)});
  }
  return batch;
}

}  // namespace interceptor::worker
