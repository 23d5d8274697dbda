// Finds the subject's face in a picture. One thread.
#pragma once

#include <memory>
#include <opencv2/core.hpp>
#include <optional>
#include <string>

#include "absl/status/statusor.h"

namespace interceptor::worker {

// A square by its centre and side, in pixels of the upright picture.
struct FaceBox {
  double x = 0;
  double y = 0;
  double side = 0;

  cv::Rect Square() const;
};

// A cascade (Viola and Jones, "Rapid object detection using a boosted cascade of simple features", 2001) or
// YuNet (Wu et al., "YuNet: a tiny millisecond-level face detector", 2023).
class FaceDetector {
 public:
  // Pictures are searched with no side over this many pixels.
  static constexpr int kSearchPixels = 480;

  // `path` is an OpenCV cascade (XML) or a YuNet model (ONNX) that this OpenCV reads. INVALID_ARGUMENT when
  // it is neither.
  static absl::StatusOr<std::unique_ptr<FaceDetector>> Load(const std::string& path);
  virtual ~FaceDetector() = default;

  // The largest face, in `luma`'s own pixels. With `expected` the one nearest to it, which is searched for
  // around it first.
  virtual std::optional<FaceBox> Find(const cv::Mat& luma, const std::optional<FaceBox>& expected) = 0;
};

}  // namespace interceptor::worker
