// All measures of scores on clips that nothing was trained on, with intervals by one bootstrap over families. Pure.
// docs/evaluation.md says how each is made.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "common/stats/bootstrap.h"
#include "common/stats/calibration.h"
#include "common/stats/ranking.h"

namespace interceptor {

enum class Measure {
  kAuc,
  kAveragePrecision,
  kEqualErrorRate,
  kRecallAt5,  // share of fakes found at 5 % false alarms
  kRecallAt1,
  kLogLoss,
  kBrier,
  kCalibrationError,
  kLogRatioCost,         // Cllr, bits; at even odds whatever the prior
  kMinimalLogRatioCost,  // Cllr_min
  kRealAccuracy,
  kFakeAccuracy,
  kRiskCoverageArea,
};
inline constexpr size_t kMeasures = 13;
std::string_view ToString(Measure measure);  // "auc", "average_precision", ...

// Indexed by Measure.
using MeasureValues = std::array<double, kMeasures>;

// Scores sorted and costed once, to be measured under many different weights: O(n) each. Immutable.
class MeasuredScores {
 public:
  // INVALID_ARGUMENT when a logit is not finite or the prior is not between 0 and 1.
  static absl::StatusOr<MeasuredScores> Create(const std::vector<ScoredLabel>& clips,
                                               double fake_prior = 0.5);

  // Clip i counts weights[i] >= 0 times. INVALID_ARGUMENT when a class weighs nothing.
  absl::StatusOr<MeasureValues> Values(const std::vector<int32_t>& weights) const;

 private:
  MeasuredScores(ScoreOrder order, double fake_prior);

  ScoreOrder order_;
  LogitCosts at_even_odds_;
  LogitCosts at_prior_;
};

// From how many reals on a share of false alarms is called that small.
inline constexpr int64_t kRealsForLowAlarms = 300;

struct MeasureTable {
  int64_t fakes = 0;
  int64_t reals = 0;
  double fake_prior = 0.5;
  // Indexed by Measure. Without a value: kRecallAt5 and kRecallAt1 under kRealsForLowAlarms reals.
  std::array<std::optional<Interval>, kMeasures> intervals;
  // No false alarm among that many reals shows no more than that fewer than this share come (95 %): 3 / reals
  // (Hanley, Lippman-Hand, "If nothing goes wrong, is everything all right?", JAMA 249, 1983).
  double false_alarm_bound = 0;

  const std::optional<Interval>& Of(Measure measure) const { return intervals[static_cast<size_t>(measure)]; }
};

// INVALID_ARGUMENT when a class has no clip or a logit is not finite.
absl::StatusOr<MeasureTable> MeasureIntervals(const std::vector<ClipScore>& clips,
                                              const BootstrapOptions& options, double fake_prior = 0.5);

// Two scores of one clip, for paired comparisons.
struct PairedClipScore {
  std::string family;
  bool fake = false;
  double first = 0;
  double second = 0;
};

// Of (measure of the second scores) - (measure of the first), both taken on the same replicate.
absl::StatusOr<MeasureTable> MeasureDifferences(const std::vector<PairedClipScore>& clips,
                                                const BootstrapOptions& options, double fake_prior = 0.5);

}  // namespace interceptor
