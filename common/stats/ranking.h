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

// Scores sorted once, for many AUCs under different weights (bootstrap.h): O(n) each. Immutable.
class ScoreOrder {
 public:
  static absl::StatusOr<ScoreOrder> Create(const std::vector<ScoredLabel>& scores);

  // The AUC when clip i counts weights[i] >= 0 times. INVALID_ARGUMENT when a class weighs nothing or the
  // number of weights is not the number of scores.
  absl::StatusOr<double> Auc(const std::vector<int32_t>& weights) const;

 private:
  struct Item {
    uint32_t index = 0;
    bool fake = false;
    bool first_of_score = false;
  };
  std::vector<Item> descending_;
};

}  // namespace interceptor
