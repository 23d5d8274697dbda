// Where a fused log-likelihood ratio is strong enough to decide. Pure. docs/evaluation.md, "Verdict".
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "common/stats/measures.h"

namespace interceptor::worker {

enum class Verdict { kReal, kFake, kInconclusive };
std::string_view ToString(Verdict verdict);  // "REAL", "FAKE", "INCONCLUSIVE"

// Ratios in nats, positive for FAKE.
struct DecisionBand {
  double fake_above = 0;  // >= 0
  double real_below = 0;  // <= 0
  // What share of the reals (fakes) to come is expected above (below) at most.
  double real_error = 1;
  double fake_error = 1;
  int64_t reals = 0;  // that it was set by
  int64_t fakes = 0;
};

// The largest share of each class that may be called the other one.
inline constexpr double kDecisionErrorMax = 0.01;

// Split conformal prediction, each class apart (Vovk, Gammerman, Shafer, "Algorithmic Learning in a Random World", 2005, 4.5;
// Sadinle, Lei, Wasserman 2019): of n clips of a class, k = kDecisionErrorMax (n + 1) - 1 may lie on the wrong side, so that
// of clips to come a share of at most (k + 1) / (n + 1) does. With fewer than 99 none may, and the share is as large as it
// comes out. REQUIRES of the clips: their ratios come from fits that have not seen their families.
// INVALID_ARGUMENT when a class is missing.
absl::StatusOr<DecisionBand> FitDecisionBand(const std::vector<ScoredLabel>& clips);

// FAKE above fake_above, and where P(FAKE) at the prior is 1/2 or more; REAL likewise; else INCONCLUSIVE.
// REQUIRES: 0 < fake_prior < 1.
Verdict Decide(double log_ratio, const DecisionBand& band, double fake_prior);

}  // namespace interceptor::worker
