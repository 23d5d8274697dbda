// Finds the face in given clips with OpenCV's frontal Haar cascade.
#pragma once

#include <memory>
#include <opencv2/core.hpp>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "tests/synth/scene.h"

namespace interceptor::synth {

// One thread per object.
class FaceFinder {
 public:
  // NOT_FOUND when no cascade file is installed (Debian: opencv-data).
  static absl::StatusOr<std::unique_ptr<FaceFinder>> Create();
  virtual ~FaceFinder() = default;
  // The largest face of an upright BGR picture.
  virtual std::optional<cv::Rect> Find(const cv::Mat& picture) = 0;
};

// One position per frame, by looking at every eighth frame and drawing straight lines between; the middle of
// the picture where no face is found at all. `found` says on which share of the looks there was a face.
struct FaceTrack {
  std::vector<FacePosition> positions;
  double found = 0;
};
FaceTrack TrackFace(FaceFinder& finder, const std::vector<cv::Mat>& frames);

}  // namespace interceptor::synth
