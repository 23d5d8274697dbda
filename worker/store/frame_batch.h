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

// Luma patches of some frames of a clip, of each the inner face and the ring around it; frames stand there more than once
// where a clip has fewer.
inline constexpr int kPatchFrames = 4;
inline constexpr int kComparedPlaces = 2;
struct PatchPairs {
  std::vector<uint8_t> luma = {};        // [count, kPatchFrames, kComparedPlaces, kPatchPixels, kPatchPixels]
  std::vector<uint8_t> quantisers = {};  // [count, kPatchFrames, kComparedPlaces, kPatchBlocks, kPatchBlocks]
};

// Windows of 2.56 s: the mouth each 40 ms, and the sound of the same time.
struct MouthWindows {
  std::vector<uint8_t> mouth = {};  // [count, kMouthFrames, kMouthPixels, kMouthPixels]
  std::vector<float> log_mel = {};  // [count, kMelColumns, kMelBands]
};

// Luma of consecutive frames of the face in one box.
struct Bursts {
  std::vector<uint8_t> luma = {};  // [count, kBurstFrames, kBurstPixels, kBurstPixels]
};

// What a specialist sees of `count` samples: a member for each view that it looks at, empty for the others,
// with the samples in the same order in all.
struct SpecialistInput {
  int count = 0;
  // [count]: 0 for a sample of a clip that lacks the views; all else of it is zeros.
  std::vector<uint8_t> usable = {};
  Pictures face_crop = {};
  Pictures full_frame = {};
  PatchPairs patches = {};
  MouthWindows windows = {};
  Bursts bursts = {};
};

struct FrameBatch {
  int64_t index = 0;  // in the epoch
  SpecialistInput input;
  std::vector<uint8_t> is_fake;  // per sample
  std::vector<Sample> samples;   // what was asked for, per sample
};

}  // namespace interceptor::worker
