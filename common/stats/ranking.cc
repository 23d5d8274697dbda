#include "common/stats/ranking.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <utility>

#include "common/base/status.h"

namespace interceptor {
namespace {

// All clips of one score.
struct Step {
  int64_t fakes = 0;
  int64_t reals = 0;
};

struct Steps {
  std::vector<Step> descending;  // one per distinct score, highest first
  int64_t fakes = 0;
  int64_t reals = 0;
};

absl::Status CheckNumbers(const std::vector<ScoredLabel>& scores) {
  for (const ScoredLabel& item : scores) {
    if (std::isnan(item.score)) return InvalidArgument("a score is not a number");
  }
  return absl::OkStatus();
}

absl::Status CheckClasses(const Step& all) {
  if (all.fakes > 0 && all.reals > 0) return absl::OkStatus();
  return InvalidArgument("both classes are needed, but there are ", all.fakes, " fakes and ", all.reals,
                         " reals");
}

absl::StatusOr<Steps> MakeSteps(std::vector<ScoredLabel> scores) {
  ICPT_RETURN_IF_ERROR(CheckNumbers(scores));
  std::sort(scores.begin(), scores.end(),
            [](const ScoredLabel& a, const ScoredLabel& b) { return a.score > b.score; });
  Steps steps;
  for (size_t i = 0; i < scores.size(); ++i) {
    if (i == 0 || scores[i].score != scores[i - 1].score) steps.descending.emplace_back();
    Step& step = steps.descending.back();
    (scores[i].fake ? step.fakes : step.reals) += 1;
    (scores[i].fake ? steps.fakes : steps.reals) += 1;
  }
  ICPT_RETURN_IF_ERROR(CheckClasses({.fakes = steps.fakes, .reals = steps.reals}));
  return steps;
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
  Step tie;
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

absl::StatusOr<double> AveragePrecision(std::vector<ScoredLabel> scores) {
  ICPT_ASSIGN_OR_RETURN(const Steps steps, MakeSteps(std::move(scores)));
  double sum = 0;
  int64_t fakes_called = 0;
  int64_t called = 0;
  for (const Step& step : steps.descending) {
    fakes_called += step.fakes;
    called += step.fakes + step.reals;
    sum += static_cast<double>(step.fakes) * static_cast<double>(fakes_called) / static_cast<double>(called);
  }
  return sum / static_cast<double>(steps.fakes);
}

absl::StatusOr<double> EqualErrorRate(std::vector<ScoredLabel> scores) {
  ICPT_ASSIGN_OR_RETURN(const Steps steps, MakeSteps(std::move(scores)));
  double miss = 1.0;
  double alarm = 0.0;
  int64_t fakes_called = 0;
  int64_t reals_called = 0;
  for (const Step& step : steps.descending) {
    fakes_called += step.fakes;
    reals_called += step.reals;
    const double next_miss = 1.0 - static_cast<double>(fakes_called) / static_cast<double>(steps.fakes);
    const double next_alarm = static_cast<double>(reals_called) / static_cast<double>(steps.reals);
    const double gap = miss - alarm;
    const double next_gap = next_miss - next_alarm;
    if (next_gap <= 0) return alarm + (next_alarm - alarm) * gap / (gap - next_gap);
    miss = next_miss;
    alarm = next_alarm;
  }
  return alarm;  // not reached: at the lowest score every clip is called fake, so the gap is -1
}

}  // namespace interceptor
