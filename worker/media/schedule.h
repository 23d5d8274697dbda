// Which frames of a clip serve which view. Pure.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "worker/media/view_shapes.h"

namespace interceptor::worker {

struct MouthWindow {
  int64_t first_column = 0;     // of the log mel spectrum; a multiple of 4
  std::vector<int64_t> frames;  // kMouthFrames of them, fewer where the clip ends before
};

struct Schedule {
  std::vector<int64_t> samples;  // ascending, like all that follow
  std::vector<int64_t> wide;     // those of `samples` that serve full_frame, luma_patches and codec_facts
  std::vector<std::array<int64_t, kBurstFrames>> bursts;
  std::vector<MouthWindow> windows;

  // Every frame that is needed, once.
  std::vector<int64_t> Frames() const;
};

// `count` frames in the middle of as many equal parts of 0 .. frames-1; all of them when there are fewer.
std::vector<int64_t> EvenlySpread(int64_t frames, int count);

// As EvenlySpread, but `nearest_reference(frame)` where that lies in the same part.
std::vector<int64_t> SpreadOverReferences(int64_t frames, int count,
                                          const std::function<int64_t(int64_t)>& nearest_reference);

// In the middle of each third of the clip; none where 16 frames do not fit.
std::vector<std::array<int64_t, kBurstFrames>> PlaceBursts(int64_t frames);

// The windows of 2.56 s with the highest mean of `level` (one value each 10 ms) that do not overlap, in order
// of time: two of them, one where two do not fit, one shorter one where the sound is shorter but lasts a
// second. `seconds` are the frames' times.
std::vector<MouthWindow> PlaceMouthWindows(std::span<const double> level, std::span<const double> seconds);

}  // namespace interceptor::worker
