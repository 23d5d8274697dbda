// An mp4 in memory back to frames, sound and coding figures. For planting into given clips and for the audit;
// one thread, so the same bytes give the same frames.
#pragma once

#include <opencv2/core.hpp>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace interceptor::synth {

struct DecodedClip {
  std::vector<cv::Mat> frames;  // CV_8UC3, BGR, upright
  double frames_per_second = 0;
  int rotation_degrees = 0;  // of the display matrix, clockwise: 0, 90, 180, 270
  double duration_s = 0;     // what the container says
  double mean_qp = 0;        // over all macroblocks of all frames
  std::vector<float> sound;  // mono, full scale is 1; empty without a sound track
  int sound_rate = 0;
  int sound_channels = 0;
};

// At most `frames_max` frames. DATA_LOSS when the bytes hold no picture that can be decoded.
absl::StatusOr<DecodedClip> DecodeMp4(const std::string& bytes, int frames_max = 1 << 20);

}  // namespace interceptor::synth
