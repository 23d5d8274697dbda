#include "tests/synth/artefacts.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <opencv2/imgproc.hpp>
#include <vector>

namespace interceptor::synth {
namespace {

// Annex K of the JPEG standard (ITU-T T.81), luma.
constexpr int kLumaTable[64] = {16, 11, 10, 16, 24,  40,  51,  61,  12, 12, 14, 19, 26,  58,  60,  55,
                                14, 13, 16, 24, 40,  57,  69,  56,  14, 17, 22, 29, 51,  87,  80,  62,
                                18, 22, 37, 56, 68,  109, 103, 77,  24, 35, 55, 64, 81,  104, 113, 92,
                                49, 64, 78, 87, 103, 121, 120, 101, 72, 92, 95, 98, 112, 100, 103, 99};

class BlockCoder {
 public:
  explicit BlockCoder(int quality) {
    const int scale = quality < 50 ? 5000 / quality : 200 - 2 * quality;
    for (int i = 0; i < 64; ++i)
      step_[i] = static_cast<float>(std::clamp((kLumaTable[i] * scale + 50) / 100, 1, 255));
    for (int u = 0; u < 8; ++u) {
      for (int x = 0; x < 8; ++x) {
        basis_[u][x] = static_cast<float>((u == 0 ? std::sqrt(0.125) : 0.5) *
                                          std::cos((2 * x + 1) * u * std::numbers::pi / 16));
      }
    }
  }

  // Quantises one block of a CV_32FC1 image in place.
  void Code(cv::Mat& image, int left, int top) const {
    float block[64], half[64], coefficients[64];
    for (int y = 0; y < 8; ++y) std::copy_n(image.ptr<float>(top + y) + left, 8, block + 8 * y);
    for (int y = 0; y < 8; ++y) {
      for (int u = 0; u < 8; ++u) {
        float sum = 0;
        for (int x = 0; x < 8; ++x) sum += basis_[u][x] * block[8 * y + x];
        half[8 * y + u] = sum;
      }
    }
    for (int v = 0; v < 8; ++v) {
      for (int u = 0; u < 8; ++u) {
        float sum = 0;
        for (int y = 0; y < 8; ++y) sum += basis_[v][y] * half[8 * y + u];
        coefficients[8 * v + u] = std::nearbyint(sum / step_[8 * v + u]) * step_[8 * v + u];
      }
    }
    for (int v = 0; v < 8; ++v) {
      for (int x = 0; x < 8; ++x) {
        float sum = 0;
        for (int u = 0; u < 8; ++u) sum += basis_[u][x] * coefficients[8 * v + u];
        half[8 * v + x] = sum;
      }
    }
    for (int y = 0; y < 8; ++y) {
      float* row = image.ptr<float>(top + y) + left;
      for (int x = 0; x < 8; ++x) {
        float sum = 0;
        for (int v = 0; v < 8; ++v) sum += basis_[v][y] * half[8 * v + x];
        row[x] = sum;
      }
    }
  }

 private:
  float step_[64];
  float basis_[8][8];
};

// Of a picture with float channels.
cv::Mat FineDetail(const cv::Mat& picture) {
  cv::Mat smooth;
  cv::GaussianBlur(picture, smooth, {5, 5}, 1.2);
  return picture - smooth;
}

int FloorTo(int value, int offset) {
  const int shifted = value - offset;
  return offset + (shifted >= 0 ? shifted / 8 : -((7 - shifted) / 8)) * 8;
}

const cv::Mat& NoiseBank() {
  static const cv::Mat* const bank = [] {
    constexpr int kSide = 1024;
    cv::RNG random(0x6e6f697365);
    cv::Mat grey(kSide, kSide, CV_32F), colour(kSide, kSide, CV_32FC3), wide, spread;
    random.fill(grey, cv::RNG::NORMAL, 0, 0.85 * kNoiseOne);
    random.fill(colour, cv::RNG::NORMAL, 0, 0.53 * kNoiseOne);
    const cv::Mat channels[3] = {grey, grey, grey};
    cv::merge(channels, 3, spread);
    auto* made = new cv::Mat();
    cv::Mat(spread + colour).convertTo(*made, CV_16SC3);
    return made;
  }();
  return *bank;
}

}  // namespace

Region WholeFrame(cv::Size frame) {
  return {cv::Rect({0, 0}, frame), cv::Mat(frame, CV_8UC1, cv::Scalar(255))};
}

RegionShape::RegionShape(const FacePosition& face, double scale, double seam_px) {
  const int border = static_cast<int>(std::ceil(2.5 * seam_px));
  const cv::Size half(cvRound(face.half_width * scale), cvRound(face.half_height * scale));
  weight_ = cv::Mat::zeros(2 * (half.height + border) + 1, 2 * (half.width + border) + 1, CV_8UC1);
  cv::ellipse(weight_, cv::Point(half.width + border, half.height + border), half, 0, 0, 360, 255,
              cv::FILLED);
  cv::GaussianBlur(weight_, weight_, {0, 0}, seam_px);
}

Region RegionShape::At(cv::Point centre, cv::Size frame) const {
  const cv::Rect whole(centre - cv::Point(weight_.cols / 2, weight_.rows / 2), weight_.size());
  const cv::Rect seen = whole & cv::Rect({0, 0}, frame);
  if (seen.empty()) return {seen, cv::Mat()};
  return {seen, weight_(cv::Rect(seen.tl() - whole.tl(), seen.size()))};
}

void Blend(cv::Mat& frame, const cv::Mat& changed_box, const Region& region) {
  for (int row = 0; row < region.box.height; ++row) {
    uchar* to = frame.ptr<uchar>(region.box.y + row) + 3 * region.box.x;
    const uchar* from = changed_box.ptr<uchar>(row);
    const uchar* weight = region.weight.ptr<uchar>(row);
    for (int i = 0; i < region.box.width * 3; ++i) {
      const int w = weight[i / 3];
      to[i] = static_cast<uchar>((to[i] * (255 - w) + from[i] * w + 127) / 255);
    }
  }
}

void ApplyGain(cv::Mat& image, const std::array<double, 3>& gain) {
  cv::Mat table(1, 256, CV_8UC3);
  for (int level = 0; level < 256; ++level) {
    for (int c = 0; c < 3; ++c) table.at<cv::Vec3b>(0, level)[c] = cv::saturate_cast<uchar>(level * gain[c]);
  }
  cv::LUT(image, table, image);
}

std::array<double, 3> TintGain(const cv::Mat& frame, const Region& region, double rms) {
  constexpr double kDirection[3] = {-0.75, 0.9, -1.0}, kLargestGain = 0.3;
  double power = 0;
  int64_t changed = 0;
  for (int row = 0; row < region.box.height; ++row) {
    const uchar* pixel = frame.ptr<uchar>(region.box.y + row) + 3 * region.box.x;
    const uchar* weight = region.weight.ptr<uchar>(row);
    for (int column = 0; column < region.box.width; ++column) {
      if (weight[column] < 8) continue;
      ++changed;
      for (int c = 0; c < 3; ++c) {
        const double change = kDirection[c] * pixel[3 * column + c] * weight[column] / 255.0;
        power += change * change / 3;
      }
    }
  }
  const double unit = std::sqrt(power / std::max<int64_t>(1, changed));
  const double amount = std::min(kLargestGain, rms / std::max(1e-6, unit));
  return {1 + amount * kDirection[0], 1 + amount * kDirection[1], 1 + amount * kDirection[2]};
}

void Reduce(cv::Mat& frame, const Region& region, double factor, double sharpening) {
  if (region.box.empty()) return;
  const cv::Mat box = frame(region.box);
  const cv::Size small(std::max(2, cvRound(box.cols / factor)), std::max(2, cvRound(box.rows / factor)));
  cv::Mat reduced, enlarged;
  cv::resize(box, reduced, small, 0, 0, cv::INTER_AREA);
  cv::resize(reduced, enlarged, box.size(), 0, 0, cv::INTER_CUBIC);
  if (sharpening > 0) {
    cv::Mat before, after;
    box.convertTo(before, CV_32F);
    enlarged.convertTo(after, CV_32F);
    const cv::Mat left = FineDetail(after);
    const double lost = cv::norm(FineDetail(before)) / std::max(1e-6, cv::norm(left));
    after += left * (sharpening * (std::clamp(lost, 1.0, 2.0) - 1));
    after.convertTo(enlarged, CV_8U);
  }
  Blend(frame, enlarged, region);
}

void Recompress(cv::Mat& frame, const Region& region, int quality, cv::Point grid) {
  if (region.box.empty()) return;
  const cv::Point begin(FloorTo(region.box.x, grid.x), FloorTo(region.box.y, grid.y));
  const cv::Size blocks((region.box.br().x - begin.x + 7) / 8, (region.box.br().y - begin.y + 7) / 8);
  cv::Mat converted, planes[3], padded, luma;
  cv::cvtColor(frame(region.box), converted, cv::COLOR_BGR2YCrCb);
  cv::split(converted, planes);
  const int top = region.box.y - begin.y, left = region.box.x - begin.x;
  cv::copyMakeBorder(planes[0], padded, top, blocks.height * 8 - top - region.box.height, left,
                     blocks.width * 8 - left - region.box.width, cv::BORDER_REPLICATE);
  padded.convertTo(luma, CV_32F);
  const cv::Mat before = FineDetail(luma);
  const BlockCoder coder(quality);
  for (int row = 0; row < blocks.height; ++row) {
    for (int column = 0; column < blocks.width; ++column) coder.Code(luma, 8 * column, 8 * row);
  }
  const cv::Mat after = FineDetail(luma);
  const double lost = cv::norm(before) / std::max(1e-6, cv::norm(after));
  luma += after * (std::clamp(lost, 0.7, 1.6) - 1);
  luma(cv::Rect(left, top, region.box.width, region.box.height)).convertTo(planes[0], CV_8U);
  cv::merge(planes, 3, converted);
  cv::cvtColor(converted, converted, cv::COLOR_YCrCb2BGR);
  Blend(frame, converted, region);
}

cv::Mat NoiseField(cv::Size frame, RandomKey key, int frame_index) {
  const cv::Mat& bank = NoiseBank();
  constexpr int kRoom = 64;
  cv::Mat sheet = bank;
  if (frame.width > bank.cols - kRoom || frame.height > bank.rows - kRoom) {
    sheet = cv::repeat(bank, 1 + (frame.height + kRoom) / bank.rows, 1 + (frame.width + kRoom) / bank.cols);
  }
  const uint64_t bits = RandomBits(key, static_cast<uint64_t>(frame_index));
  const int x = static_cast<int>((bits & 0xffffff) % static_cast<uint64_t>(sheet.cols - frame.width));
  const int y = static_cast<int>((bits >> 32) % static_cast<uint64_t>(sheet.rows - frame.height));
  return sheet(cv::Rect(x, y, frame.width, frame.height));
}

namespace {

void AddNoiseRow(uchar* pixel, const int16_t* noise, int count, int scale) {
  for (int i = 0; i < count; ++i) {
    const int value = pixel[i] + ((noise[i] * scale + (1 << 15)) >> 16);
    pixel[i] = static_cast<uchar>(std::clamp(value, 0, 255));
  }
}

// Sigma in levels as a factor on noise of deviation kNoiseOne, 16 fractional bits.
int NoiseScale(double sigma) { return cvRound(sigma * 65536 / kNoiseOne); }

}  // namespace

void AddNoise(cv::Mat& frame, const cv::Mat& noise, double sigma) {
  for (int row = 0; row < frame.rows; ++row) {
    AddNoiseRow(frame.ptr<uchar>(row), noise.ptr<int16_t>(row), 3 * frame.cols, NoiseScale(sigma));
  }
}

void AddNoise(cv::Mat& frame, const cv::Mat& noise, double sigma, const Region& region) {
  const int scale = NoiseScale(sigma);
  for (int row = 0; row < region.box.height; ++row) {
    uchar* pixel = frame.ptr<uchar>(region.box.y + row) + 3 * region.box.x;
    const int16_t* grain = noise.ptr<int16_t>(region.box.y + row) + 3 * region.box.x;
    const uchar* weight = region.weight.ptr<uchar>(row);
    for (int i = 0; i < 3 * region.box.width; ++i)
      AddNoiseRow(pixel + i, grain + i, 1, scale * weight[i / 3] / 255);
  }
}

void ScaleNoise(cv::Mat& frame, const cv::Mat& noise, const Region& region, double present, double factor) {
  if (region.box.empty()) return;
  if (factor >= 1) {
    AddNoise(frame, noise, present * std::sqrt(factor * factor - 1), region);
    return;
  }
  cv::Mat smooth, changed;
  const cv::Mat box = frame(region.box);
  cv::GaussianBlur(box, smooth, {5, 5}, 1.2);
  cv::addWeighted(box, factor, smooth, 1 - factor, 0, changed);
  Blend(frame, changed, region);
}

double EstimateNoise(const cv::Mat& frame) {
  cv::Mat luma, difference;
  cv::cvtColor(frame, luma, cv::COLOR_BGR2GRAY);
  // Its response to white noise has 6 times the noise's deviation.
  const cv::Mat kernel = (cv::Mat_<float>(3, 3) << 1, -2, 1, -2, 4, -2, 1, -2, 1);
  cv::filter2D(luma, difference, CV_32F, kernel);
  difference = cv::abs(difference);
  std::vector<float> values(difference.begin<float>(), difference.end<float>());
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  constexpr double kMedianOfNormal = 0.6745;
  return *middle / (6 * kMedianOfNormal);
}

double ChangedPixelsPsnr(const cv::Mat& before, const cv::Mat& after) {
  double sum = 0;
  int64_t changed = 0;
  for (int row = 0; row < before.rows; ++row) {
    const auto* a = before.ptr<cv::Vec3b>(row);
    const auto* b = after.ptr<cv::Vec3b>(row);
    for (int column = 0; column < before.cols; ++column) {
      if (a[column] == b[column]) continue;
      ++changed;
      for (int c = 0; c < 3; ++c) {
        const double difference = static_cast<double>(a[column][c]) - b[column][c];
        sum += difference * difference;
      }
    }
  }
  if (changed == 0) return std::numeric_limits<double>::infinity();
  return 10 * std::log10(255.0 * 255.0 * 3 * static_cast<double>(changed) / sum);
}

}  // namespace interceptor::synth
