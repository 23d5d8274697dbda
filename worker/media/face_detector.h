// Finds the subject's face in a picture. One thread.
#pragma once

#include <memory>
#include <opencv2/core.hpp>
#include <optional>
#include <string>

#include "absl/status/statusor.h"

namespace interceptor::worker {

class VideoDecoder;
struct VideoFrame;

// A square by its centre and side, in pixels of the upright picture.
struct FaceBox {
  double x = 0;
  double y = 0;
  double side = 0;

  cv::Rect Square() const;
};

// YuNet (Wu et al., "YuNet: a tiny millisecond-level face detector", 2023) or a cascade (Viola and Jones,
// "Rapid object detection using a boosted cascade of simple features", 2001).
class FaceDetector {
 public:
  struct Input {
    int side_max = 0;  // of the picture, in pixels
    bool in_colour = false;
  };

  // `path` is a YuNet model (ONNX) with the outputs that it has since 2023, or an OpenCV cascade (XML).
  // INVALID_ARGUMENT says what was expected where it is neither.
  static absl::StatusOr<std::unique_ptr<FaceDetector>> Load(const std::string& path);
  virtual ~FaceDetector() = default;

  virtual Input input() const = 0;
  // The largest face, in `picture`'s own pixels; with `expected` the one nearest to it.
  // REQUIRES: `picture` is as input() says: BGR in colour, else luma.
  virtual std::optional<FaceBox> Find(const cv::Mat& picture, const std::optional<FaceBox>& expected) = 0;
};

// The same of a frame, in pixels of the upright picture.
absl::StatusOr<std::optional<FaceBox>> FindFace(FaceDetector& detector, VideoDecoder& video,
                                                const VideoFrame& frame,
                                                const std::optional<FaceBox>& expected);

}  // namespace interceptor::worker
