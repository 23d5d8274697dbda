#include "common/stats/ranking.h"

#include <algorithm>
#include <cmath>
#include <cstdint>

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

absl::StatusOr<Steps> MakeSteps(std::vector<ScoredLabel> scores) {
  for (const ScoredLabel& item : scores) {
    if (std::isnan(item.score)) return InvalidArgument("a score is not a number");
  }
  std::sort(scores.begin(), scores.end(),
            [](const ScoredLabel& a, const ScoredLabel& b) { return a.score > b.score; });
  Steps steps;
  for (size_t i = 0; i < scores.size(); ++i) {
    if (i == 0 || scores[i].score != scores[i - 1].score) steps.descending.emplace_back();
    Step& step = steps.descending.back();
    (scores[i].fake ? step.fakes : step.reals) += 1;
    (scores[i].fake ? steps.fakes : steps.reals) += 1;
  }
  if (steps.fakes == 0 || steps.reals == 0) {
    return InvalidArgument("both classes are needed, but there are ", steps.fakes, " fakes and ", steps.reals,
                           " reals");
  }
  return steps;
}

}  // namespace

absl::StatusOr<double> Auc(std::vector<ScoredLabel> scores) {
  ICPT_ASSIGN_OR_RETURN(const Steps steps, MakeSteps(std::move(scores)));
  // Twice U, so that the half of a tie stays an integer: exact up to the one division.
  int64_t twice_wins = 0;
  int64_t fakes_above = 0;
  for (const Step& step : steps.descending) {
    twice_wins += step.reals * (2 * fakes_above + step.fakes);
    fakes_above += step.fakes;
  }
  return static_cast<double>(twice_wins) /
         (2.0 * static_cast<double>(steps.fakes) * static_cast<double>(steps.reals));
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
