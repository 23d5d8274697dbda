#include "worker/prepare/picture_converter.h"

extern "C" {
#include <libavutil/frame.h>
#include <libswscale/swscale.h>
}

#include <algorithm>
#include <cmath>

#include "common/base/status.h"

namespace interceptor::worker {
namespace {

// The formats named "J" are full range by name alone; libswscale wants the plain name and a range.
AVPixelFormat PlainFormat(AVPixelFormat format, bool* full_range) {
  switch (format) {
    case AV_PIX_FMT_YUVJ420P:
      *full_range = true;
      return AV_PIX_FMT_YUV420P;
    case AV_PIX_FMT_YUVJ422P:
      *full_range = true;
      return AV_PIX_FMT_YUV422P;
    case AV_PIX_FMT_YUVJ444P:
      *full_range = true;
      return AV_PIX_FMT_YUV444P;
    case AV_PIX_FMT_YUVJ440P:
      *full_range = true;
      return AV_PIX_FMT_YUV440P;
    default:
      return format;
  }
}

// What is not said is guessed as players do: BT.709 for high definition, BT.601 below.
int ColourMatrix(const AVFrame& picture) {
  switch (picture.colorspace) {
    case AVCOL_SPC_BT709:
      return SWS_CS_ITU709;
    case AVCOL_SPC_FCC:
      return SWS_CS_FCC;
    case AVCOL_SPC_BT470BG:
    case AVCOL_SPC_SMPTE170M:
      return SWS_CS_ITU601;
    case AVCOL_SPC_SMPTE240M:
      return SWS_CS_SMPTE240M;
    case AVCOL_SPC_BT2020_NCL:
    case AVCOL_SPC_BT2020_CL:
      return SWS_CS_BT2020;
    default:
      return picture.height >= 720 ? SWS_CS_ITU709 : SWS_CS_ITU601;
  }
}

}  // namespace

void PictureConverter::FreeScaler::operator()(SwsContext* scaler) const { sws_freeContext(scaler); }

absl::StatusOr<cv::Mat> PictureConverter::Rgb(const AVFrame& picture) {
  return Convert(picture, {.size = {picture.width, picture.height},
                           .format = AV_PIX_FMT_RGB24,
                           .flags = SWS_BILINEAR | SWS_ACCURATE_RND | SWS_BITEXACT});
}

absl::StatusOr<cv::Mat> PictureConverter::Luma(const AVFrame& picture, int side_max) {
  const double scale = std::min(1.0, static_cast<double>(side_max) / std::max(picture.width, picture.height));
  const cv::Size size(std::max(1, static_cast<int>(std::lround(picture.width * scale))),
                      std::max(1, static_cast<int>(std::lround(picture.height * scale))));
  return Convert(picture, {.size = size, .format = AV_PIX_FMT_GRAY8, .flags = SWS_AREA | SWS_BITEXACT});
}

absl::StatusOr<cv::Mat> PictureConverter::Convert(const AVFrame& picture, const Target& target) {
  bool full_range = picture.color_range == AVCOL_RANGE_JPEG;
  const AVPixelFormat from = PlainFormat(static_cast<AVPixelFormat>(picture.format), &full_range);
  if (from == AV_PIX_FMT_NONE || sws_isSupportedInput(from) == 0) {
    return DataLoss("its pixel format cannot be converted");
  }
  scaler_.reset(sws_getCachedContext(
      scaler_.release(), picture.width, picture.height, from, target.size.width, target.size.height,
      static_cast<AVPixelFormat>(target.format), target.flags, nullptr, nullptr, nullptr));
  if (scaler_ == nullptr) return DataLoss("its pictures cannot be converted");
  sws_setColorspaceDetails(scaler_.get(), sws_getCoefficients(ColourMatrix(picture)), full_range ? 1 : 0,
                           sws_getCoefficients(SWS_CS_DEFAULT), 1, 0, 1 << 16, 1 << 16);
  // libswscale writes whole vectors, past the end of a row too.
  constexpr int kSpareColumns = 64;
  cv::Mat spacious(target.size.height + 1, target.size.width + kSpareColumns,
                   target.format == AV_PIX_FMT_GRAY8 ? CV_8UC1 : CV_8UC3);
  uint8_t* planes[4] = {spacious.data, nullptr, nullptr, nullptr};
  const int strides[4] = {static_cast<int>(spacious.step), 0, 0, 0};
  const int rows =
      sws_scale(scaler_.get(), picture.data, picture.linesize, 0, picture.height, planes, strides);
  if (rows != target.size.height) return DataLoss("a picture could not be converted");
  return spacious(cv::Rect({0, 0}, target.size));
}

}  // namespace interceptor::worker
