// Frames and sound to an mp4 in memory: H.264 with a pyramid of B frames, AAC. The same input gives the same
// bytes.
#pragma once

#include <opencv2/core.hpp>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace interceptor::synth {

struct EncodeSettings {
  double frames_per_second = 25;
  double crf = 20;
  int keyframe_interval = 250;
  // The display matrix turns the stored picture clockwise by this: 0, 90, 180, 270. Frames are given upright.
  int rotation_degrees = 0;
  // It mirrors the picture after that.
  bool mirrored = false;
  int sound_rate = 48000;
  int sound_channels = 1;
  // The index stands before the media data, as players on the web want it.
  bool index_first = false;
};

// `sound` is mono and may be empty. INVALID_ARGUMENT for no frames or odd sizes.
absl::StatusOr<std::string> EncodeMp4(const std::vector<cv::Mat>& frames, const std::vector<float>& sound,
                                      const EncodeSettings& settings);

}  // namespace interceptor::synth
