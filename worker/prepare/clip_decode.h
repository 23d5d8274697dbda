// From a clip's bytes to its stored views and attributes: what one decoder child does for one job. One
// thread.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "worker/core/types.h"
#include "worker/store/planar.h"

namespace interceptor::worker {

class FaceDetector;

struct DecodeJob {
  int frames = 16;  // at most; fewer when the clip has fewer
  int view_pixels = 224;
  int face_detection_stride = 10;
  std::vector<View> views = {View::kFullFrame, View::kFaceCrop};  // ascending
};

// Bytes of a view as they are stored: [frames, 3/2 pixels, pixels], planar.
struct DecodedView {
  View view = View::kFullFrame;
  std::vector<int64_t> shape;
  std::string bytes;
};

struct DecodedClip {
  std::map<std::string, double> attributes;
  std::vector<double> frame_seconds;
  YuvColours colours;  // of every view
  std::vector<DecodedView> views;
};

// `count` frames in the middle of as many equal parts of 0 .. frames-1; all of them when there are fewer.
std::vector<int64_t> EvenlySpread(int64_t frames, int count);

// Any error is a reason to quarantine the clip.
absl::StatusOr<DecodedClip> DecodeClip(std::string_view bytes, const DecodeJob& job, FaceDetector& detector);

}  // namespace interceptor::worker
