#include "common/stats/calibration.h"

#include <algorithm>
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

}  // namespace interceptor
