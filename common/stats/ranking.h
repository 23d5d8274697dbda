// How well scores order fakes above reals. Exact for ties, pure, O(n log n). Higher score = more fake.
// Every function returns INVALID_ARGUMENT when a class has no clip or a score is not a number.
#pragma once

#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"

namespace interceptor {

struct ScoredLabel {
  double score = 0;
  bool fake = false;
};

// The area under the ROC curve: the probability that a random fake scores above a random real, ties counting
// one half. Computed from mid-ranks (Mann-Whitney's U divided by fakes x reals; Hanley, McNeil, "The meaning
// and use of the area under a ROC curve", Radiology 143, 1982).
absl::StatusOr<double> Auc(const std::vector<ScoredLabel>& scores);

// All clips of one score.
struct ScoreStep {
  int64_t fakes = 0;
  int64_t reals = 0;
};

// How many clips of each class every distinct score has, the highest score first; both classes have clips.
struct ScoreCounts {
  std::vector<ScoreStep> steps;
  ScoreStep all;
};

// Scores sorted once, to be counted under many different weights (bootstrap.h): O(n) each. Immutable.
class ScoreOrder {
 public:
  static absl::StatusOr<ScoreOrder> Create(const std::vector<ScoredLabel>& scores);

  // The distinct scores, highest first: those of ScoreCounts::steps.
  const std::vector<double>& scores() const { return scores_; }

  // Clip i counts weights[i] >= 0 times. INVALID_ARGUMENT when a class weighs nothing or the number of weights
  // is not the number of scores. `counts` is overwritten, and its memory used again.
  absl::Status Count(const std::vector<int32_t>& weights, ScoreCounts& counts) const;

  // The AUC under these weights.
  absl::StatusOr<double> Auc(const std::vector<int32_t>& weights) const;

 private:
  struct Item {
    uint32_t index = 0;
    uint32_t step : 31;
    uint32_t fake : 1;
  };
  std::vector<Item> descending_;
  std::vector<double> scores_;
};

// A threshold at a distinct score: the shares of reals and of fakes that reach it.
struct RocPoint {
  double false_alarms = 0;
  double recall = 0;
};

// Each O(distinct scores).
double Auc(const ScoreCounts& counts);

// From (0, 0) to (1, 1), the highest threshold first. The area under straight lines between the points is the AUC.
std::vector<RocPoint> RocCurve(const ScoreCounts& counts);

// The step-wise area under the precision-recall curve for fakes: the sum over the distinct scores t, highest first,
// of (recall(t) - recall before t) x precision(t), where a clip is called fake at score >= t. Clips of one score
// enter together, so their order cannot matter; nothing is interpolated (scikit-learn's average_precision_score).
// The share of fakes is that of the clips: it is not class-balanced.
double AveragePrecision(const ScoreCounts& counts);

// The rate at which the miss rate (fakes below the threshold) equals the false-alarm rate (reals at or above
// it), on the straight lines that join the ROC curve's points at the distinct scores.
double EqualErrorRate(const ScoreCounts& counts);

// The largest share of fakes at or above a threshold that at most `percent` of 100 reals reach; thresholds are
// the distinct scores, nothing is interpolated.
double RecallAtFalseAlarms(const ScoreCounts& counts, int percent);

// The class-balanced log loss in bits that is left when the scores are replaced by the best log-likelihood ratios
// that keep their order, which pool-adjacent-violators finds: what discrimination loses, whatever calibration does.
// (Cllr_min; Bruemmer, du Preez, "Application-independent evaluation of speaker detection", Computer Speech and
// Language 20, 2006.) It judges by the labels it was fitted on, so it is optimistic on few clips.
double MinimalLogRatioCost(const ScoreCounts& counts);

}  // namespace interceptor
