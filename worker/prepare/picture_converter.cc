#include "worker/prepare/picture_converter.h"

extern "C" {
#include <libavutil/frame.h>
#include <libavutil/pixdesc.h>
#include <libswscale/swscale.h>
}

#include <algorithm>
#include <utility>

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

struct FreeFrame {
  void operator()(AVFrame* frame) const { av_frame_free(&frame); }
};
using FramePtr = std::unique_ptr<AVFrame, FreeFrame>;

// [from, to) moved outwards to samples of the subsampled chroma planes.
std::pair<int, int> WholeSamples(int from, int to, int end, int format, bool across) {
  const AVPixFmtDescriptor* layout = av_pix_fmt_desc_get(static_cast<AVPixelFormat>(format));
  const int shift = layout == nullptr ? 0 : across ? layout->log2_chroma_w : layout->log2_chroma_h;
  const int mask = (1 << shift) - 1;
  return {from & ~mask, std::min(end, (to + mask) & ~mask)};
}

}  // namespace

void PictureConverter::FreeScaler::operator()(SwsContext* scaler) const { sws_freeContext(scaler); }

absl::StatusOr<cv::Mat> PictureConverter::Rgb(const AVFrame& picture, const cv::Rect& area, cv::Size size) {
  if (area == cv::Rect(0, 0, picture.width, picture.height)) return Convert(picture, size, AV_PIX_FMT_RGB24);
  const FramePtr cropped(av_frame_clone(&picture));
  if (cropped == nullptr) return ResourceExhausted("no memory for a picture");
  const auto [left, right] = WholeSamples(area.x, area.x + area.width, picture.width, picture.format, true);
  const auto [top, bottom] =
      WholeSamples(area.y, area.y + area.height, picture.height, picture.format, false);
  cropped->crop_left = left;
  cropped->crop_right = picture.width - right;
  cropped->crop_top = top;
  cropped->crop_bottom = picture.height - bottom;
  if (av_frame_apply_cropping(cropped.get(), AV_FRAME_CROP_UNALIGNED) < 0)
    return DataLoss("its pictures cannot be cropped");
  return Convert(*cropped, size, AV_PIX_FMT_RGB24);
}

absl::StatusOr<cv::Mat> PictureConverter::Luma(const AVFrame& picture, cv::Size size) {
  return Convert(picture, size, AV_PIX_FMT_GRAY8);
}

absl::StatusOr<cv::Mat> PictureConverter::Convert(const AVFrame& picture, cv::Size size, int format) {
  bool full_range = picture.color_range == AVCOL_RANGE_JPEG;
  const AVPixelFormat from = PlainFormat(static_cast<AVPixelFormat>(picture.format), &full_range);
  if (from == AV_PIX_FMT_NONE || sws_isSupportedInput(from) == 0) {
    return DataLoss("its pixel format cannot be converted");
  }
  const bool shrinks = size.width < picture.width || size.height < picture.height;
  const int flags =
      (shrinks ? SWS_AREA : SWS_BILINEAR) | SWS_ACCURATE_RND | SWS_BITEXACT | SWS_FULL_CHR_H_INT;
  scaler_.reset(sws_getCachedContext(scaler_.release(), picture.width, picture.height, from, size.width,
                                     size.height, static_cast<AVPixelFormat>(format), flags, nullptr, nullptr,
                                     nullptr));
  if (scaler_ == nullptr) return DataLoss("its pictures cannot be converted");
  sws_setColorspaceDetails(scaler_.get(), sws_getCoefficients(ColourMatrix(picture)), full_range ? 1 : 0,
                           sws_getCoefficients(SWS_CS_DEFAULT), 1, 0, 1 << 16, 1 << 16);
  // libswscale writes whole vectors, past the end of a row too.
  constexpr int kSpareColumns = 64;
  cv::Mat spacious(size.height + 1, size.width + kSpareColumns,
                   format == AV_PIX_FMT_GRAY8 ? CV_8UC1 : CV_8UC3);
  uint8_t* planes[4] = {spacious.data, nullptr, nullptr, nullptr};
  const int strides[4] = {static_cast<int>(spacious.step), 0, 0, 0};
  const int rows =
      sws_scale(scaler_.get(), picture.data, picture.linesize, 0, picture.height, planes, strides);
  if (rows != size.height) return DataLoss("a picture could not be converted");
  return spacious(cv::Rect({0, 0}, size));
}

}  // namespace interceptor::worker
