// Turns decoded pictures into 8-bit matrices by libswscale in one pass, honouring colour matrix and range.
// What shrinks is averaged (SWS_AREA), what grows is SWS_BILINEAR; both with accurate rounding, bit-exact.
// One thread.
#pragma once

#include <memory>
#include <opencv2/core.hpp>

#include "absl/status/statusor.h"

struct AVFrame;
struct SwsContext;

namespace interceptor::worker {

// Keeps the last conversion; rebuilt when sizes or format change.
class PictureConverter {
 public:
  // `area` (stored pixels, inside the picture, moved outwards to whole chroma samples) as RGB of `size`.
  absl::StatusOr<cv::Mat> Rgb(const AVFrame& picture, const cv::Rect& area, cv::Size size);
  // The whole picture's luma at full range.
  absl::StatusOr<cv::Mat> Luma(const AVFrame& picture, cv::Size size);

 private:
  struct FreeScaler {
    void operator()(SwsContext* scaler) const;
  };
  absl::StatusOr<cv::Mat> Convert(const AVFrame& picture, cv::Size size, int format);

  std::unique_ptr<SwsContext, FreeScaler> scaler_;
};

}  // namespace interceptor::worker
