// A frame shrunk to what is enough to compare frames by and to follow a face in.
#pragma once

#include "absl/status/statusor.h"
#include "worker/media/video.h"

namespace interceptor::worker {

inline constexpr int kSketchSideMax = 240;

struct Sketch {
  cv::Mat luma;        // upright, no side over kSketchSideMax
  double scale_x = 1;  // of its pixels in one of the upright picture
  double scale_y = 1;
};

// Means of whole blocks of the decoded luma; a scaled picture where the format has no plane of luma.
absl::StatusOr<Sketch> MakeSketch(Video& video, const VideoFrame& frame);

}  // namespace interceptor::worker
