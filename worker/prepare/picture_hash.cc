#include "worker/prepare/picture_hash.h"

#include <algorithm>
#include <opencv2/imgproc.hpp>
#include <vector>

namespace interceptor::worker {

std::optional<uint64_t> HashPicture(const cv::Mat& luma) {
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
  std::vector<double> sorted = kept;
  const auto middle = sorted.begin() + static_cast<std::ptrdiff_t>(sorted.size() / 2);
  std::nth_element(sorted.begin(), middle, sorted.end());
  uint64_t hash = 0;
  for (const double value : kept) hash = hash << 1 | (value > *middle ? 1 : 0);
  return hash;
}

}  // namespace interceptor::worker
