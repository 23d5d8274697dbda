// Which frames of a clip are used for which view. Pure.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "worker/media/decoded_clip.h"

namespace interceptor::worker {

inline constexpr int64_t kNoFrame = -1;

struct MouthWindow {
  int64_t first_column = 0;     // of the log mel spectrum; a multiple of 4
  std::vector<int64_t> frames;  // kMouthFrames of them, fewer where the clip ends before; kNoFrame in a gap
};

struct FrameSelection {
  std::vector<int64_t> samples;      // ascending, like all that follow
  std::vector<int64_t> full_frames;  // the samples used for full_frame, luma_patches and codec_facts
  std::vector<std::array<int64_t, kBurstFrames>> bursts;
  std::vector<MouthWindow> mouth_windows;
  std::vector<int64_t> after_gaps;  // frames before which others are missing

  // Every frame that is needed, once.
  std::vector<int64_t> Frames() const;
};

// The upper one of two in the middle; 0 of none.
double Median(std::vector<double> values);

// As EvenlySpaced (worker/store/sample_views.h), but `nearest_reference(frame)` where that lies in the same part.
std::vector<int64_t> EvenlySpacedReferences(int64_t frames, int count,
                                            const std::function<int64_t(int64_t)>& nearest_reference);

// The frames that follow the one before them by more than 1.5 times the median time between frames.
// `seconds`, here and below, are the times of all frames.
std::vector<int64_t> FramesAfterGaps(std::span<const double> seconds);

// In each of `parts` of the clip, fewer where 16 frames do not fit, the burst nearest to its middle that has no gap
// inside.
std::vector<std::array<int64_t, kBurstFrames>> PlaceBursts(std::span<const double> seconds, int64_t parts);

// The windows of 2.56 s with the highest mean of `level` (one value each 10 ms) that do not overlap, in order
// of time: two of them, one where two do not fit, one shorter one where the sound is shorter but lasts a
// second. Sound in a gap between frames counts as silence.
std::vector<MouthWindow> PlaceMouthWindows(std::span<const double> level, std::span<const double> seconds);

// Windows that follow on one another through `columns` of the spectrum; what is left at the end is not used.
std::vector<MouthWindow> ConsecutiveMouthWindows(int64_t columns, std::span<const double> seconds);

}  // namespace interceptor::worker
