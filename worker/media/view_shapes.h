// The views of a clip beside its pictures: sizes that are the same for every plan, since specialists are
// built on them. The store's description of each view:
//   full_frame   [n, 3/2 P, P]        the letterboxed picture of up to kWideFrames of the sampled frames
//   face_crop    [frames, 3/2 P, P]   the face with a margin, of every sampled frame
//   luma_patches [n, 3, 96, 96]       luma as decoded, not scaled, not turned, on the coded 16-pixel grid, of
//   the frames
//                                     of full_frame: the inner face, the ring around it, the background far
//                                     from it
//   codec_facts  [n, 3, 6, 6]         the quantiser of each macroblock of those patches; 255 where it is not
//   known mouth_track  [windows, 64, 96, 96] luma of the lower part of the face, 25 Hz by timestamp log_mel
//   [windows, 256, 80]   float, log mel spectrum, four columns a mouth frame (worker/media/log_mel.h) burst
//   [bursts, 16, 168, 112] planar, consecutive frames in one box, no cut inside
#pragma once

#include <cstdint>
#include <vector>

#include "worker/core/types.h"
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
