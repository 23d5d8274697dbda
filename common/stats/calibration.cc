#include "common/stats/calibration.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "common/base/status.h"

namespace interceptor {
namespace {

struct ClassWeights {
  double fake = 0;  // of one clip: the fakes together weigh 1/2
  double real = 0;
  int64_t fakes = 0;
  int64_t reals = 0;
};

absl::StatusOr<ClassWeights> Weigh(const std::vector<ScoredLabel>& clips) {
  ClassWeights weights;
  for (const ScoredLabel& clip : clips) {
    if (!std::isfinite(clip.score)) return InvalidArgument("a logit is not finite");
    (clip.fake ? weights.fakes : weights.reals) += 1;
  }
  if (weights.fakes == 0 || weights.reals == 0) {
    return InvalidArgument("both classes are needed, but there are ", weights.fakes, " fakes and ",
                           weights.reals, " reals");
  }
  weights.fake = 0.5 / static_cast<double>(weights.fakes);
  weights.real = 0.5 / static_cast<double>(weights.reals);
  return weights;
}

// 1 / (1 + exp(-z)) without overflow.
double Sigmoid(double z) {
  if (z >= 0) return 1.0 / (1.0 + std::exp(-z));
  const double e = std::exp(z);
  return e / (1.0 + e);
}

// The derivative of the balanced log loss of `inverse_temperature` x z by the inverse temperature.
double LossSlope(const std::vector<ScoredLabel>& clips, const ClassWeights& weights,
                 double inverse_temperature) {
  double slope = 0;
  for (const ScoredLabel& clip : clips) {
    const double z = clip.score;
    slope += clip.fake ? -weights.fake * z * Sigmoid(-inverse_temperature * z)
                       : weights.real * z * Sigmoid(inverse_temperature * z);
  }
  return slope;
}

}  // namespace

double ClipLogLoss(const ScoredLabel& clip) {
  const double wrong_way = clip.fake ? -clip.score : clip.score;
  return std::max(wrong_way, 0.0) + std::log1p(std::exp(-std::abs(wrong_way)));
}

absl::StatusOr<double> BalancedLogLoss(const std::vector<ScoredLabel>& clips) {
  ICPT_ASSIGN_OR_RETURN(const ClassWeights weights, Weigh(clips));
  double fake_sum = 0;
  double real_sum = 0;
  for (const ScoredLabel& clip : clips) (clip.fake ? fake_sum : real_sum) += ClipLogLoss(clip);
  return weights.fake * fake_sum + weights.real * real_sum;
}

absl::StatusOr<ClassAccuracy> AccuracyByClass(const std::vector<ScoredLabel>& clips) {
  ICPT_ASSIGN_OR_RETURN(const ClassWeights weights, Weigh(clips));
  int64_t fakes_right = 0;
  int64_t reals_right = 0;
  for (const ScoredLabel& clip : clips) {
    const bool called_fake = clip.score >= 0;
    if (called_fake == clip.fake) (clip.fake ? fakes_right : reals_right) += 1;
  }
  return ClassAccuracy{.fake = static_cast<double>(fakes_right) / static_cast<double>(weights.fakes),
                       .real = static_cast<double>(reals_right) / static_cast<double>(weights.reals),
                       .fakes = weights.fakes,
                       .reals = weights.reals};
}

absl::StatusOr<double> ExpectedCalibrationError(const std::vector<ScoredLabel>& clips) {
  ICPT_ASSIGN_OR_RETURN(const ClassWeights weights, Weigh(clips));
  std::array<double, kCalibrationBins> gaps = {};
  for (const ScoredLabel& clip : clips) {
    const double p = Sigmoid(clip.score);
    const int bin = std::min(static_cast<int>(p * kCalibrationBins), kCalibrationBins - 1);
    gaps[bin] += clip.fake ? weights.fake * (1.0 - p) : -weights.real * p;
  }
  double sum = 0;
  for (const double gap : gaps) sum += std::abs(gap);
  return sum;
}

absl::StatusOr<Temperature> FitTemperature(const std::vector<ScoredLabel>& clips) {
  ICPT_ASSIGN_OR_RETURN(const ClassWeights weights, Weigh(clips));
  double low = 1.0 / kTemperatureMax;
  double high = 1.0 / kTemperatureMin;
  if (LossSlope(clips, weights, low) >= 0) return Temperature{.value = kTemperatureMax, .at_limit = true};
  if (LossSlope(clips, weights, high) <= 0) return Temperature{.value = kTemperatureMin, .at_limit = true};
  // Halves the ratio, not the difference: the range spans orders of magnitude. Ends when no double is
  // between.
  while (true) {
    const double middle = std::sqrt(low * high);
    if (middle <= low || middle >= high) break;
    (LossSlope(clips, weights, middle) < 0 ? low : high) = middle;
  }
  return Temperature{.value = 1.0 / low, .at_limit = false};
}

}  // namespace interceptor
