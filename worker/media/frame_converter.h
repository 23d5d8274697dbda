// From a decoded libav frame to plain values: converted pictures, luma in its own pixels, quantisers, the
// frame's type. Areas are in coded pixels, before rotation. One thread.
#pragma once

#include <cstdint>
#include <memory>
#include <opencv2/core.hpp>
#include <span>
#include <vector>

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

// 8-bit planes by libswscale in one pass; colour matrix and range are kept. What shrinks is averaged
// (SWS_AREA), what grows is SWS_BILINEAR; both with accurate rounding, bit-exact. The last conversion is
// cached.
class FrameConverter {
 public:
  // `area`, moved outwards to whole chroma samples, scaled to `size`.
  // REQUIRES: `area` lies inside the picture; `size` is even.
  absl::StatusOr<YuvPicture> Yuv(const AVFrame& picture, const cv::Rect& area, cv::Size size);
  // The whole picture at full range: BGR, or its luma alone.
  absl::StatusOr<cv::Mat> Shrunk(const AVFrame& picture, cv::Size size, bool in_colour);

 private:
  struct FreeScaler {
    void operator()(SwsContext* scaler) const;
  };
  // Fills three planes, or one for AV_PIX_FMT_GRAY8 and AV_PIX_FMT_BGR24.
  absl::Status Convert(const AVFrame& picture, int format, bool full_range, std::span<cv::Mat> planes);

  std::unique_ptr<SwsContext, FreeScaler> scaler_;
};

// Luma as decoded, the upper eight bits where it has more. Empty for a format without a luma plane.
// REQUIRES: `area` lies inside the picture.
cv::Mat CodedLuma(const AVFrame& picture, const cv::Rect& area);

// The mean luma of each `block` x `block` pixels, of what is there at the right and lower edge. Empty as
// above, and for blocks of over 257 pixels.
cv::Mat BlockMeans(const AVFrame& picture, int block);

// The quantiser of each macroblock of `area`, row by row; 255 where the decoder does not export it.
// REQUIRES: the edges of `area` are multiples of 16.
std::vector<uint8_t> Quantisers(const AVFrame& picture, const cv::Rect& area);

enum class PictureType { kUnknown, kIntra, kPredicted, kBidirectional };
PictureType TypeOf(const AVFrame& picture);

}  // namespace interceptor::worker
