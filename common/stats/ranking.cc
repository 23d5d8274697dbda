#include "common/stats/ranking.h"

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "common/base/status.h"

namespace interceptor {
namespace {

// Clips of each class.
struct Counts {
  int64_t fakes = 0;
  int64_t reals = 0;
};

absl::Status CheckNumbers(const std::vector<ScoredLabel>& scores) {
  for (const ScoredLabel& item : scores) {
    if (std::isnan(item.score)) return InvalidArgument("a score is not a number");
  }
  return absl::OkStatus();
}

absl::Status CheckClasses(const Counts& all) {
  if (all.fakes > 0 && all.reals > 0) return absl::OkStatus();
  return InvalidArgument("both classes are needed, but there are ", all.fakes, " fakes and ", all.reals,
                         " reals");
}

}  // namespace

absl::StatusOr<ScoreOrder> ScoreOrder::Create(const std::vector<ScoredLabel>& scores) {
  ICPT_RETURN_IF_ERROR(CheckNumbers(scores));
  ScoreOrder order;
  order.descending_.reserve(scores.size());
  for (const ScoredLabel& item : scores) {
    order.descending_.push_back(
        {.index = static_cast<uint32_t>(order.descending_.size()), .fake = item.fake});
  }
  std::sort(order.descending_.begin(), order.descending_.end(),
            [&](const Item& a, const Item& b) { return scores[a.index].score > scores[b.index].score; });
  for (size_t i = 0; i < scores.size(); ++i) {
    order.descending_[i].first_of_score =
        i == 0 || scores[order.descending_[i].index].score != scores[order.descending_[i - 1].index].score;
  }
  return order;
}

absl::StatusOr<double> ScoreOrder::Auc(const std::vector<int32_t>& weights) const {
  if (weights.size() != descending_.size()) {
    return InvalidArgument(weights.size(), " weights are given for ", descending_.size(), " scores");
  }
  // Twice U, so that the half of a tie stays an integer: exact up to the one division.
  int64_t twice_wins = 0;
  int64_t fakes_above = 0;
  int64_t reals = 0;
  Counts tie;
  for (const Item& item : descending_) {
    if (item.first_of_score) {
      twice_wins += tie.reals * (2 * fakes_above + tie.fakes);
      fakes_above += tie.fakes;
      reals += tie.reals;
      tie = {};
    }
    (item.fake ? tie.fakes : tie.reals) += weights[item.index];
  }
  twice_wins += tie.reals * (2 * fakes_above + tie.fakes);
  fakes_above += tie.fakes;
  reals += tie.reals;
  ICPT_RETURN_IF_ERROR(CheckClasses({.fakes = fakes_above, .reals = reals}));
  return static_cast<double>(twice_wins) /
         (2.0 * static_cast<double>(fakes_above) * static_cast<double>(reals));
}

absl::StatusOr<double> Auc(const std::vector<ScoredLabel>& scores) {
  ICPT_ASSIGN_OR_RETURN(const ScoreOrder order, ScoreOrder::Create(scores));
  return order.Auc(std::vector<int32_t>(scores.size(), 1));
}

}  // namespace interceptor
