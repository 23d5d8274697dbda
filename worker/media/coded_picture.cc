#include "worker/media/coded_picture.h"

extern "C" {
#include <libavutil/frame.h>
#include <libavutil/pixdesc.h>
#include <libavutil/video_enc_params.h>
}

#include <algorithm>
#include <numeric>

#include "worker/media/view_shapes.h"

namespace interceptor::worker {
namespace {

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
  switch (picture.pict_type) {
    case AV_PICTURE_TYPE_I:
      return PictureType::kIntra;
    case AV_PICTURE_TYPE_P:
      return PictureType::kPredicted;
    case AV_PICTURE_TYPE_B:
      return PictureType::kBidirectional;
    default:
      return PictureType::kUnknown;
  }
}

}  // namespace interceptor::worker
