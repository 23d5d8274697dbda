#include "worker/integrate/decision.h"

#include <algorithm>
#include <cmath>
#include <functional>

#include "common/base/status.h"

namespace interceptor::worker {
namespace {

struct Limit {
  double above = 0;
  double error = 1;
};

// `wrong`: how far each clip of a class speaks for the other one.
Limit LimitOf(std::vector<double> wrong) {
  std::ranges::sort(wrong, std::greater());
  const double count = static_cast<double>(wrong.size()) + 1;
  const double allowed = std::max(0.0, std::floor(kDecisionErrorMax * count) - 1);
  return {.above = std::max(0.0, wrong[static_cast<size_t>(allowed)]), .error = (allowed + 1) / count};
}

}  // namespace

std::string_view ToString(Verdict verdict) {
  switch (verdict) {
    case Verdict::kReal:
      return "REAL";
    case Verdict::kFake:
      return "FAKE";
    case Verdict::kInconclusive:
      return "INCONCLUSIVE";
  }
  return "";
}

absl::StatusOr<DecisionBand> FitDecisionBand(const std::vector<ScoredLabel>& clips) {
  std::vector<double> reals;
  std::vector<double> fakes;
  for (const ScoredLabel& clip : clips)
    (clip.fake ? fakes : reals).push_back(clip.fake ? -clip.score : clip.score);
  if (reals.empty() || fakes.empty()) return InvalidArgument("a class has no clip to decide by");
  DecisionBand band{.reals = std::ssize(reals), .fakes = std::ssize(fakes)};
  const Limit of_reals = LimitOf(std::move(reals));
  const Limit of_fakes = LimitOf(std::move(fakes));
  band.fake_above = of_reals.above;
  band.real_error = of_reals.error;
  band.real_below = -of_fakes.above;
  band.fake_error = of_fakes.error;
  return band;
}

Verdict Decide(double log_ratio, const DecisionBand& band, double fake_prior) {
  const double log_odds = log_ratio + std::log(fake_prior / (1 - fake_prior));
  if (log_ratio > band.fake_above && log_odds >= 0) return Verdict::kFake;
  if (log_ratio < band.real_below && log_odds < 0) return Verdict::kReal;
  return Verdict::kInconclusive;
}

}  // namespace interceptor::worker
