// The views' shapes beside the plan's own size, the same for every plan, since specialists are built on them.
// docs/clip-store.md says what each view holds.
#pragma once

#include <cstdint>
#include <vector>

#include "worker/sampling/types.h"
#include "worker/store/clip_store.h"

namespace interceptor::worker {

inline constexpr int kWideFrames = 16;
inline constexpr int kPatchPlaces = 3;
inline constexpr int kPatchPixels = 96;
inline constexpr int kMacroblockPixels = 16;
inline constexpr int kPatchBlocks = kPatchPixels / kMacroblockPixels;
inline constexpr int kMouthWindows = 2;
inline constexpr int kMouthFrames = 64;
inline constexpr int kMouthPixels = 96;
inline constexpr double kMouthPeriodSeconds = 0.04;
inline constexpr int kMelBands = 80;
inline constexpr int kMelColumns = 4 * kMouthFrames;
inline constexpr int kBursts = 3;
inline constexpr int kBurstFrames = 16;
inline constexpr int kBurstPixels = 112;
inline constexpr int kMaskPlaces = 2;  // full_frame, face_crop
inline constexpr int kMaskCells = 28;

struct ViewFormat {
  ElementType type = ElementType::kU8;
  bool is_planar = false;           // of the clip's colours
  int64_t count_max = 0;            // of the first dimension, which is 1 or more
  std::vector<int64_t> dimensions;  // after the first
};

// `frames` sampled frames, views of `pixels`.
ViewFormat FormatOf(View view, int64_t frames, int64_t pixels);
// Bytes that all views of a clip take at most.
int64_t ClipBytesMax(int64_t frames, int64_t pixels);
// Bytes of one element of the first dimension.
int64_t ItemBytes(const ViewFormat& format);

}  // namespace interceptor::worker
