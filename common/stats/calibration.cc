#include "common/stats/calibration.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

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

LogitCosts::LogitCosts(std::vector<double> logits, double fake_prior)
    : fake_prior_(fake_prior), logits_(std::move(logits)) {
  const double prior_odds = std::log(fake_prior / (1 - fake_prior));
  costs_.reserve(logits_.size());
  for (double& z : logits_) {
    z += prior_odds;
    const double p = Sigmoid(z);
    costs_.push_back({.fake_loss = ClipLogLoss({z, true}),
                      .real_loss = ClipLogLoss({z, false}),
                      .p = p,
                      .bin = std::min(static_cast<int>(p * kCalibrationBins), kCalibrationBins - 1)});
  }
}

LogitCosts::ClassWeights LogitCosts::WeightsOf(const ScoreCounts& counts) const {
  return {.fake = fake_prior_ / static_cast<double>(counts.all.fakes),
          .real = (1 - fake_prior_) / static_cast<double>(counts.all.reals)};
}

double LogitCosts::LogLoss(const ScoreCounts& counts) const {
  double fake_sum = 0;
  double real_sum = 0;
  for (size_t i = 0; i < costs_.size(); ++i) {
    fake_sum += static_cast<double>(counts.steps[i].fakes) * costs_[i].fake_loss;
    real_sum += static_cast<double>(counts.steps[i].reals) * costs_[i].real_loss;
  }
  const ClassWeights weights = WeightsOf(counts);
  return weights.fake * fake_sum + weights.real * real_sum;
}

double LogitCosts::Brier(const ScoreCounts& counts) const {
  double fake_sum = 0;
  double real_sum = 0;
  for (size_t i = 0; i < costs_.size(); ++i) {
    const double p = costs_[i].p;
    fake_sum += static_cast<double>(counts.steps[i].fakes) * (1 - p) * (1 - p);
    real_sum += static_cast<double>(counts.steps[i].reals) * p * p;
  }
  const ClassWeights weights = WeightsOf(counts);
  return weights.fake * fake_sum + weights.real * real_sum;
}

double LogitCosts::CalibrationError(const ScoreCounts& counts) const {
  const ClassWeights weights = WeightsOf(counts);
  std::array<double, kCalibrationBins> gaps = {};
  for (size_t i = 0; i < costs_.size(); ++i) {
    gaps[costs_[i].bin] += weights.fake * static_cast<double>(counts.steps[i].fakes) * (1 - costs_[i].p) -
                           weights.real * static_cast<double>(counts.steps[i].reals) * costs_[i].p;
  }
  double sum = 0;
  for (const double gap : gaps) sum += std::abs(gap);
  return sum;
}

std::vector<ReliabilityBin> LogitCosts::Reliability(const ScoreCounts& counts) const {
  const ClassWeights weights = WeightsOf(counts);
  std::vector<ReliabilityBin> bins(kCalibrationBins);
  for (size_t i = 0; i < costs_.size(); ++i) {
    const double fake_weight = weights.fake * static_cast<double>(counts.steps[i].fakes);
    const double weight = fake_weight + weights.real * static_cast<double>(counts.steps[i].reals);
    ReliabilityBin& bin = bins[static_cast<size_t>(costs_[i].bin)];
    bin.fakes += counts.steps[i].fakes;
    bin.reals += counts.steps[i].reals;
    bin.weight += weight;
    bin.fake_share += fake_weight;
    bin.mean_p += weight * costs_[i].p;
  }
  for (ReliabilityBin& bin : bins) {
    if (bin.weight == 0) continue;
    bin.fake_share /= bin.weight;
    bin.mean_p /= bin.weight;
  }
  return bins;
}

ClassAccuracy LogitCosts::Accuracy(const ScoreCounts& counts) const {
  ScoreStep called_fake;
  for (size_t i = 0; i < logits_.size() && logits_[i] >= 0; ++i) {
    called_fake.fakes += counts.steps[i].fakes;
    called_fake.reals += counts.steps[i].reals;
  }
  const auto fakes = static_cast<double>(counts.all.fakes);
  const auto reals = static_cast<double>(counts.all.reals);
  return {.fake = static_cast<double>(called_fake.fakes) / fakes,
          .real = static_cast<double>(counts.all.reals - called_fake.reals) / reals,
          .fakes = counts.all.fakes,
          .reals = counts.all.reals};
}

// visit(|z|, weight of the clips with it, weight of the wrong ones among them), the largest |z| first. The logits are
// sorted, so it stands at one of their two ends.
template <typename Visit>
void LogitCosts::VisitByConfidence(const ScoreCounts& counts, Visit visit) const {
  const ClassWeights weights = WeightsOf(counts);
  size_t begin = 0;
  size_t end = logits_.size();
  while (begin < end) {
    const double confidence = std::max(std::abs(logits_[begin]), std::abs(logits_[end - 1]));
    double decided = 0;
    double wrong = 0;
    const auto add = [&](size_t i) {
      const double fakes = weights.fake * static_cast<double>(counts.steps[i].fakes);
      const double reals = weights.real * static_cast<double>(counts.steps[i].reals);
      decided += fakes + reals;
      wrong += logits_[i] >= 0 ? reals : fakes;
    };
    while (begin < end && std::abs(logits_[begin]) == confidence) add(begin++);
    while (begin < end && std::abs(logits_[end - 1]) == confidence) add(--end);
    if (decided > 0) visit(confidence, decided, wrong);
  }
}

std::vector<CoveragePoint> LogitCosts::RiskCoverage(const ScoreCounts& counts) const {
  std::vector<CoveragePoint> curve;
  double all_decided = 0;
  double all_wrong = 0;
  VisitByConfidence(counts, [&](double confidence, double decided, double wrong) {
    all_decided += decided;
    all_wrong += wrong;
    curve.push_back({.confidence = confidence, .coverage = all_decided, .risk = all_wrong / all_decided});
  });
  return curve;
}

double LogitCosts::RiskCoverageArea(const ScoreCounts& counts) const {
  double area = 0;
  double all_decided = 0;
  double all_wrong = 0;
  VisitByConfidence(counts, [&](double, double decided, double wrong) {
    all_decided += decided;
    all_wrong += wrong;
    area += decided * all_wrong / all_decided;
  });
  return area;
}

}  // namespace interceptor
