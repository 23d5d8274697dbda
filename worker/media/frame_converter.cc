#include "worker/media/frame_converter.h"

extern "C" {
#include <libavutil/frame.h>
#include <libavutil/pixdesc.h>
#include <libavutil/video_enc_params.h>
#include <libswscale/swscale.h>
}

#include <algorithm>
#include <numeric>
#include <utility>

#include "common/base/status.h"
#include "worker/media/decoded_clip.h"
#include "worker/media/demuxer.h"

namespace interceptor::worker {
namespace {

// The formats named "J" are full range by name alone; libswscale wants the plain name and a range.
AVPixelFormat PlainFormat(AVPixelFormat format, bool* full_range) {
  constexpr std::pair<AVPixelFormat, AVPixelFormat> kPlain[] = {{AV_PIX_FMT_YUVJ420P, AV_PIX_FMT_YUV420P},
                                                                {AV_PIX_FMT_YUVJ422P, AV_PIX_FMT_YUV422P},
                                                                {AV_PIX_FMT_YUVJ444P, AV_PIX_FMT_YUV444P},
                                                                {AV_PIX_FMT_YUVJ440P, AV_PIX_FMT_YUV440P}};
  for (const auto& [named, plain] : kPlain) {
    if (format != named) continue;
    *full_range = true;
    return plain;
  }
  return format;
}

struct MatrixNames {
  ColourMatrix ours;
  AVColorSpace libav;
  int scaler;  // libswscale's table
};
constexpr MatrixNames kMatrices[] = {{ColourMatrix::kBt709, AVCOL_SPC_BT709, SWS_CS_ITU709},
                                     {ColourMatrix::kFcc, AVCOL_SPC_FCC, SWS_CS_FCC},
                                     {ColourMatrix::kBt601, AVCOL_SPC_BT470BG, SWS_CS_ITU601},
                                     {ColourMatrix::kBt601, AVCOL_SPC_SMPTE170M, SWS_CS_ITU601},
                                     {ColourMatrix::kSmpte240m, AVCOL_SPC_SMPTE240M, SWS_CS_SMPTE240M},
                                     {ColourMatrix::kBt2020, AVCOL_SPC_BT2020_NCL, SWS_CS_BT2020},
                                     {ColourMatrix::kBt2020, AVCOL_SPC_BT2020_CL, SWS_CS_BT2020}};

// What is not said is guessed as players do: BT.709 for high definition, BT.601 below.
ColourMatrix MatrixOf(const AVFrame& picture) {
  const auto* const said = std::ranges::find(kMatrices, picture.colorspace, &MatrixNames::libav);
  if (said != std::end(kMatrices)) return said->ours;
  return picture.height >= 720 ? ColourMatrix::kBt709 : ColourMatrix::kBt601;
}

// [from, to) moved outwards to samples of the subsampled chroma planes.
std::pair<int, int> WholeSamples(int from, int to, int end, int format, bool across) {
  const AVPixFmtDescriptor* layout = av_pix_fmt_desc_get(static_cast<AVPixelFormat>(format));
  const int shift = layout == nullptr ? 0 : across ? layout->log2_chroma_w : layout->log2_chroma_h;
  const int mask = (1 << shift) - 1;
  return {from & ~mask, std::min(end, (to + mask) & ~mask)};
}

constexpr uint8_t kUnknownQuantiser = 255;

struct LumaPlane {
  const uint8_t* data = nullptr;
  ptrdiff_t stride = 0;
  int step = 1;   // bytes from pixel to pixel
  int shift = 0;  // down to eight bits

  uint8_t At(int x, int y) const {
    const uint8_t* at = data + y * stride + static_cast<ptrdiff_t>(x) * step;
    return shift == 0 ? *at : static_cast<uint8_t>((at[0] | at[1] << 8) >> shift);
  }
};

// Without data for formats that have no plane of luma with the least significant byte first.
LumaPlane PlaneOf(const AVFrame& picture) {
  const AVPixFmtDescriptor* layout = av_pix_fmt_desc_get(static_cast<AVPixelFormat>(picture.format));
  constexpr uint64_t kOther = AV_PIX_FMT_FLAG_RGB | AV_PIX_FMT_FLAG_PAL | AV_PIX_FMT_FLAG_BITSTREAM |
                              AV_PIX_FMT_FLAG_HWACCEL | AV_PIX_FMT_FLAG_BE;
  if (layout == nullptr || (layout->flags & kOther) != 0) return {};
  const AVComponentDescriptor& luma = layout->comp[0];
  if (luma.depth < 8 || luma.depth > 16) return {};
  return {.data = picture.data[luma.plane] + luma.offset,
          .stride = picture.linesize[luma.plane],
          .step = luma.step,
          .shift = luma.depth == 8 ? 0 : luma.depth - 8 + luma.shift};
}

void AddRow(const LumaPlane& plane, int y, std::vector<uint16_t>& sums) {
  const auto width = static_cast<int>(sums.size());
  if (plane.shift == 0 && plane.step == 1) {
    const uint8_t* row = plane.data + y * plane.stride;
    for (int x = 0; x < width; ++x) sums[x] = static_cast<uint16_t>(sums[x] + row[x]);
    return;
  }
  for (int x = 0; x < width; ++x) sums[x] = static_cast<uint16_t>(sums[x] + plane.At(x, y));
}

}  // namespace

YuvColours ColoursOf(const AVFrame& picture) {
  YuvColours colours{MatrixOf(picture), picture.color_range == AVCOL_RANGE_JPEG};
  PlainFormat(static_cast<AVPixelFormat>(picture.format), &colours.full_range);
  return colours;
}

void FrameConverter::FreeScaler::operator()(SwsContext* scaler) const { sws_freeContext(scaler); }

absl::StatusOr<YuvPicture> FrameConverter::Yuv(const AVFrame& picture, const cv::Rect& area, cv::Size size) {
  YuvPicture yuv;
  yuv.colours = ColoursOf(picture);
  cv::Mat planes[3];
  planes[0].create(size, CV_8UC1);
  for (int i = 1; i < 3; ++i) planes[i].create(size / 2, CV_8UC1);
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
  ICPT_RETURN_IF_ERROR(Convert(*cropped, AV_PIX_FMT_YUV420P, yuv.colours.full_range, planes));
  yuv.y = planes[0];
  yuv.cb = planes[1];
  yuv.cr = planes[2];
  return yuv;
}

absl::StatusOr<cv::Mat> FrameConverter::Shrunk(const AVFrame& picture, cv::Size size, bool in_colour) {
  cv::Mat shrunk(size, in_colour ? CV_8UC3 : CV_8UC1);
  ICPT_RETURN_IF_ERROR(Convert(picture, in_colour ? AV_PIX_FMT_BGR24 : AV_PIX_FMT_GRAY8, true, {&shrunk, 1}));
  return shrunk;
}

absl::Status FrameConverter::Convert(const AVFrame& picture, int format, bool full_range,
                                     std::span<cv::Mat> planes) {
  bool is_full = picture.color_range == AVCOL_RANGE_JPEG;
  const AVPixelFormat from = PlainFormat(static_cast<AVPixelFormat>(picture.format), &is_full);
  if (from == AV_PIX_FMT_NONE || sws_isSupportedInput(from) == 0) {
    return DataLoss("its pixel format cannot be converted");
  }
  const cv::Size size = planes[0].size();
  const bool shrinks = size.width < picture.width || size.height < picture.height;
  const int flags =
      (shrinks ? SWS_AREA : SWS_BILINEAR) | SWS_ACCURATE_RND | SWS_BITEXACT | SWS_FULL_CHR_H_INT;
  scaler_.reset(sws_getCachedContext(scaler_.release(), picture.width, picture.height, from, size.width,
                                     size.height, static_cast<AVPixelFormat>(format), flags, nullptr, nullptr,
                                     nullptr));
  if (scaler_ == nullptr) return DataLoss("its pictures cannot be converted");
  const int* table =
      sws_getCoefficients(std::ranges::find(kMatrices, MatrixOf(picture), &MatrixNames::ours)->scaler);
  sws_setColorspaceDetails(scaler_.get(), table, is_full ? 1 : 0, table, full_range ? 1 : 0, 0, 1 << 16,
                           1 << 16);
  // libswscale writes whole vectors, past the end of a row too.
  constexpr int kSpareColumns = 64;
  cv::Mat spacious[3];
  uint8_t* data[4] = {};
  int strides[4] = {};
  for (size_t i = 0; i < planes.size(); ++i) {
    spacious[i].create(planes[i].rows + 1, planes[i].cols + kSpareColumns, planes[i].type());
    data[i] = spacious[i].data;
    strides[i] = static_cast<int>(spacious[i].step);
  }
  const int rows = sws_scale(scaler_.get(), picture.data, picture.linesize, 0, picture.height, data, strides);
  if (rows != size.height) return DataLoss("a picture could not be converted");
  for (size_t i = 0; i < planes.size(); ++i) planes[i] = spacious[i](cv::Rect({0, 0}, planes[i].size()));
  return absl::OkStatus();
}

cv::Mat CodedLuma(const AVFrame& picture, const cv::Rect& area) {
  const LumaPlane plane = PlaneOf(picture);
  if (plane.data == nullptr) return {};
  cv::Mat luma(area.size(), CV_8UC1);
  for (int y = 0; y < area.height; ++y) {
    uint8_t* row = luma.ptr(y);
    for (int x = 0; x < area.width; ++x) row[x] = plane.At(area.x + x, area.y + y);
  }
  return luma;
}

cv::Mat BlockMeans(const AVFrame& picture, int block) {
  constexpr int kBlockMax = 257;  // of whose column the sum fits 16 bits
  const LumaPlane plane = PlaneOf(picture);
  if (plane.data == nullptr || block > kBlockMax) return {};
  const int width = picture.width;
  const int height = picture.height;
  cv::Mat means((height + block - 1) / block, (width + block - 1) / block, CV_8UC1);
  std::vector<uint16_t> column_sums(static_cast<size_t>(width));
  for (int top = 0; top < height; top += block) {
    std::fill(column_sums.begin(), column_sums.end(), uint16_t{0});
    const int rows = std::min(block, height - top);
    for (int y = top; y < top + rows; ++y) AddRow(plane, y, column_sums);
    for (int left = 0; left < width; left += block) {
      const int columns = std::min(block, width - left);
      const auto begin = column_sums.begin() + left;
      const uint32_t sum = std::accumulate(begin, begin + columns, uint32_t{0});
      const auto count = static_cast<uint32_t>(rows * columns);
      means.at<uint8_t>(top / block, left / block) = static_cast<uint8_t>((sum + count / 2) / count);
    }
  }
  return means;
}

std::vector<uint8_t> Quantisers(const AVFrame& picture, const cv::Rect& area) {
  const int across = area.width / kMacroblockPixels;
  std::vector<uint8_t> quantisers(static_cast<size_t>(across * (area.height / kMacroblockPixels)),
                                  kUnknownQuantiser);
  const AVFrameSideData* side = av_frame_get_side_data(&picture, AV_FRAME_DATA_VIDEO_ENC_PARAMS);
  if (side == nullptr) return quantisers;
  auto* parameters = reinterpret_cast<AVVideoEncParams*>(side->data);
  if (parameters->type != AV_VIDEO_ENC_PARAMS_H264) return quantisers;
  for (unsigned i = 0; i < parameters->nb_blocks; ++i) {
    const AVVideoBlockParams* block = av_video_enc_params_block(parameters, i);
    if (!area.contains({block->src_x, block->src_y})) continue;
    const int column = (block->src_x - area.x) / kMacroblockPixels;
    const int row = (block->src_y - area.y) / kMacroblockPixels;
    quantisers[static_cast<size_t>(row * across + column)] =
        static_cast<uint8_t>(std::clamp(parameters->qp + block->delta_qp, 0, kUnknownQuantiser - 1));
  }
  return quantisers;
}

PictureType TypeOf(const AVFrame& picture) {
  if (picture.pict_type == AV_PICTURE_TYPE_I) return PictureType::kIntra;
  if (picture.pict_type == AV_PICTURE_TYPE_P) return PictureType::kPredicted;
  return picture.pict_type == AV_PICTURE_TYPE_B ? PictureType::kBidirectional : PictureType::kUnknown;
}

}  // namespace interceptor::worker
