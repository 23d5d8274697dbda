#include "worker/media/log_mel.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <opencv2/core.hpp>

#include "worker/media/audio_decoder.h"
#include "worker/media/decoded_clip.h"

namespace interceptor::worker {
namespace {

constexpr int kWindow = 400;
constexpr int kTransform = 512;
constexpr int kBins = kTransform / 2 + 1;
constexpr double kFloor = 1e-10;

double MelOf(double hertz) { return 2595 * std::log10(1 + hertz / 700); }
double HertzOf(double mel) { return 700 * (std::pow(10, mel / 2595) - 1); }

// Corner k of the triangles, in hertz; triangle b spans corners b to b + 2.
double Corner(int k) { return HertzOf(MelOf(kAudioRate / 2.0) * k / (kMelBands + 1)); }

// [bands, bins]
cv::Mat Triangles() {
  cv::Mat triangles(kMelBands, kBins, CV_64F, cv::Scalar(0));
  for (int band = 0; band < kMelBands; ++band) {
    const double low = Corner(band);
    const double middle = Corner(band + 1);
    const double high = Corner(band + 2);
    for (int bin = 0; bin < kBins; ++bin) {
      const double hertz = static_cast<double>(bin) * kAudioRate / kTransform;
      const double height = std::min((hertz - low) / (middle - low), (high - hertz) / (high - middle));
      triangles.at<double>(band, bin) = std::max(0.0, height);
    }
  }
  return triangles;
}

std::array<double, kWindow> Hann() {
  std::array<double, kWindow> window{};
  for (int i = 0; i < kWindow; ++i) {
    window[static_cast<size_t>(i)] = 0.5 - 0.5 * std::cos(2 * std::numbers::pi * i / kWindow);
  }
  return window;
}

// |DFT|^2 of one column, [bins, 1].
void Power(std::span<const float> sound, int64_t column, const std::array<double, kWindow>& window,
           cv::Mat& power) {
  cv::Mat padded(1, kTransform, CV_64F, cv::Scalar(0));
  const int64_t begin = column * kMelHop - kWindow / 2;
  for (int i = 0; i < kWindow; ++i) {
    const int64_t at = begin + i;
    if (at < 0 || at >= static_cast<int64_t>(sound.size())) continue;
    padded.at<double>(0, i) = window[static_cast<size_t>(i)] * sound[static_cast<size_t>(at)];
  }
  cv::Mat spectrum;
  cv::dft(padded, spectrum, cv::DFT_COMPLEX_OUTPUT);
  for (int bin = 0; bin < kBins; ++bin) {
    const cv::Vec2d value = spectrum.at<cv::Vec2d>(0, bin);
    power.at<double>(bin, 0) = value[0] * value[0] + value[1] * value[1];
  }
}

}  // namespace

std::vector<float> LogMel(std::span<const float> sound, int64_t columns) {
  static const cv::Mat triangles = Triangles();
  static const std::array<double, kWindow> window = Hann();
  std::vector<float> result;
  result.reserve(static_cast<size_t>(columns) * kMelBands);
  cv::Mat power(kBins, 1, CV_64F);
  for (int64_t column = 0; column < columns; ++column) {
    Power(sound, column, window, power);
    const cv::Mat bands = triangles * power;
    for (int band = 0; band < kMelBands; ++band) {
      result.push_back(static_cast<float>(std::log(std::max(bands.at<double>(band, 0), kFloor))));
    }
  }
  return result;
}

std::vector<double> SpeechLevel(std::span<const float> log_mel) {
  constexpr double kSpeechLow = 300;
  constexpr double kSpeechHigh = 3400;
  std::vector<double> level;
  for (size_t begin = 0; begin < log_mel.size(); begin += kMelBands) {
    double sum = 0;
    int bands = 0;
    for (int band = 0; band < kMelBands; ++band) {
      const double middle = Corner(band + 1);
      if (middle < kSpeechLow || middle > kSpeechHigh) continue;
      sum += log_mel[begin + static_cast<size_t>(band)];
      ++bands;
    }
    level.push_back(sum / bands);
  }
  return level;
}

}  // namespace interceptor::worker
