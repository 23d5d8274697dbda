#include "worker/media/perceptual_hash.h"

#include <opencv2/imgproc.hpp>
#include <optional>

#include "worker/media/crop.h"
#include "worker/media/frame_selection.h"

namespace interceptor::worker {
namespace {

std::optional<uint64_t> HashFrame(const cv::Mat& luma) {
  constexpr int kSide = 32;
  constexpr int kKept = 8;
  constexpr double kContrastMin = 4;  // standard deviation, of 255
  cv::Mat small;
  cv::resize(luma, small, {kSide, kSide}, 0, 0, cv::INTER_AREA);
  cv::Scalar mean;
  cv::Scalar deviation;
  cv::meanStdDev(small, mean, deviation);
  if (deviation[0] < kContrastMin) return std::nullopt;
  small.convertTo(small, CV_64F);
  cv::Mat spectrum;
  cv::dct(small, spectrum);
  std::vector<double> kept;
  for (int row = 0; row < kKept; ++row) {
    for (int column = row == 0 ? 1 : 0; column < kKept; ++column)
      kept.push_back(spectrum.at<double>(row, column));
  }
  const double median = Median(kept);
  uint64_t hash = 0;
  for (const double value : kept) hash = hash << 1 | (value > median ? 1 : 0);
  return hash;
}

}  // namespace

std::vector<uint64_t> HashFrames(const DecodedClip& clip, int view_pixels) {
  const cv::Size size(static_cast<int>(clip.attributes.at("width")),
                      static_cast<int>(clip.attributes.at("height")));
  const cv::Rect place = LetterboxPlacement(size, view_pixels).place;
  const DecodedView& view = clip.views.front();
  std::vector<uint64_t> hashes;
  for (int64_t frame = 0; frame < view.shape[0]; ++frame) {
    const char* luma = view.bytes.data() + frame * PlanarBytes(view_pixels);
    const cv::Mat picture(view_pixels, view_pixels, CV_8UC1, const_cast<char*>(luma));
    if (const auto hash = HashFrame(picture(place))) hashes.push_back(*hash);
  }
  return hashes;
}

}  // namespace interceptor::worker
