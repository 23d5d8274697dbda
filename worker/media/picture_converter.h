// Turns decoded pictures into 8-bit planes by libswscale in one pass; colour matrix and range stay what they
// are. What shrinks is averaged (SWS_AREA), what grows is SWS_BILINEAR; both with accurate rounding,
// bit-exact. One thread.
#pragma once

#include <memory>
#include <opencv2/core.hpp>
#include <span>

#include "absl/status/statusor.h"
#include "worker/store/planar.h"

struct AVFrame;
struct SwsContext;

namespace interceptor::worker {

// Planar 4:2:0: cb and cr have half of y's sides.
struct YuvPicture {
  cv::Mat y;
  cv::Mat cb;
  cv::Mat cr;
  YuvColours colours;
};

YuvColours ColoursOf(const AVFrame& picture);

// Keeps the last conversion; rebuilt when sizes or format change.
class PictureConverter {
 public:
  // `area` (stored pixels, inside the picture, moved outwards to whole chroma samples) scaled to `size`,
  // which is even.
  absl::StatusOr<YuvPicture> Yuv(const AVFrame& picture, const cv::Rect& area, cv::Size size);
  // The whole picture at full range: BGR, or its luma alone.
  absl::StatusOr<cv::Mat> Bgr(const AVFrame& picture, cv::Size size);
  absl::StatusOr<cv::Mat> Luma(const AVFrame& picture, cv::Size size);

 private:
  struct FreeScaler {
    void operator()(SwsContext* scaler) const;
  };
  // Fills three planes, or one for AV_PIX_FMT_GRAY8 and AV_PIX_FMT_BGR24.
  absl::Status Convert(const AVFrame& picture, int format, bool full_range, std::span<cv::Mat> planes);

  std::unique_ptr<SwsContext, FreeScaler> scaler_;
};

}  // namespace interceptor::worker
