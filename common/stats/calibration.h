// How far logits can be taken at their word. A clip's score is a logit z: P(fake) = 1 / (1 + exp(-z)). Every
// measure is class-balanced: the fakes together weigh one half and so do the reals, whatever their numbers,
// which is the measure at a prior of one half. Pure. INVALID_ARGUMENT when a class has no clip or a logit is
// not finite.
#pragma once

#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"
#include "common/stats/ranking.h"

namespace interceptor {

// -ln P(the true class): log(1 + exp(-z)) for a fake, log(1 + exp(z)) for a real. Exact for |z| of any size.
double ClipLogLoss(const ScoredLabel& clip);

// (mean over fakes of ClipLogLoss + mean over reals of it) / 2, in nats. ln 2 = 0.693 when every logit is 0.
absl::StatusOr<double> BalancedLogLoss(const std::vector<ScoredLabel>& clips);

// Shares of each class judged rightly when a clip is called fake at z >= 0.
struct ClassAccuracy {
  double fake = 0;
  double real = 0;
  int64_t fakes = 0;
  int64_t reals = 0;

  double balanced() const { return (fake + real) / 2; }
};
absl::StatusOr<ClassAccuracy> AccuracyByClass(const std::vector<ScoredLabel>& clips);

}  // namespace interceptor
