#include "common/stats/ranking.h"

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "common/base/status.h"

namespace interceptor {
namespace {

absl::Status CheckNumbers(const std::vector<ScoredLabel>& scores) {
  for (const ScoredLabel& item : scores) {
    if (std::isnan(item.score)) return InvalidArgument("a score is not a number");
  }
  return absl::OkStatus();
}

double Share(int64_t part, int64_t whole) { return static_cast<double>(part) / static_cast<double>(whole); }

// Merged until the share of fakes falls from each block to the next: pool-adjacent-violators.
std::vector<ScoreStep> PoolAdjacentViolators(const std::vector<ScoreStep>& steps) {
  std::vector<ScoreStep> blocks;
  for (ScoreStep block : steps) {
    if (block.fakes + block.reals == 0) continue;
    while (!blocks.empty() && blocks.back().fakes * block.reals <= block.fakes * blocks.back().reals) {
      block.fakes += blocks.back().fakes;
      block.reals += blocks.back().reals;
      blocks.pop_back();
    }
    blocks.push_back(block);
  }
  return blocks;
}

}  // namespace

absl::StatusOr<ScoreOrder> ScoreOrder::Create(const std::vector<ScoredLabel>& scores) {
  ICPT_RETURN_IF_ERROR(CheckNumbers(scores));
  ScoreOrder order;
  order.descending_.reserve(scores.size());
  for (const ScoredLabel& item : scores) {
    order.descending_.push_back(
        {.index = static_cast<uint32_t>(order.descending_.size()), .step = 0, .fake = item.fake});
  }
  std::sort(order.descending_.begin(), order.descending_.end(),
            [&](const Item& a, const Item& b) { return scores[a.index].score > scores[b.index].score; });
  for (Item& item : order.descending_) {
    const double score = scores[item.index].score;
    if (order.scores_.empty() || order.scores_.back() != score) order.scores_.push_back(score);
    item.step = static_cast<uint32_t>(order.scores_.size() - 1);
  }
  return order;
}

absl::Status ScoreOrder::Count(const std::vector<int32_t>& weights, ScoreCounts& counts) const {
  if (weights.size() != descending_.size()) {
    return InvalidArgument(weights.size(), " weights are given for ", descending_.size(), " scores");
  }
  counts.steps.assign(scores_.size(), {});
  counts.all = {};
  for (const Item& item : descending_) {
    ScoreStep& step = counts.steps[item.step];
    (item.fake ? step.fakes : step.reals) += weights[item.index];
  }
  for (const ScoreStep& step : counts.steps) {
    counts.all.fakes += step.fakes;
    counts.all.reals += step.reals;
  }
  if (counts.all.fakes > 0 && counts.all.reals > 0) return absl::OkStatus();
  return InvalidArgument("both classes are needed, but there are ", counts.all.fakes, " fakes and ",
                         counts.all.reals, " reals");
}

absl::StatusOr<double> ScoreOrder::Auc(const std::vector<int32_t>& weights) const {
  ScoreCounts counts;
  ICPT_RETURN_IF_ERROR(Count(weights, counts));
  return interceptor::Auc(counts);
}

absl::StatusOr<double> Auc(const std::vector<ScoredLabel>& scores) {
  ICPT_ASSIGN_OR_RETURN(const ScoreOrder order, ScoreOrder::Create(scores));
  return order.Auc(std::vector<int32_t>(scores.size(), 1));
}

double Auc(const ScoreCounts& counts) {
  // Twice U, so that the half of a tie stays an integer: exact up to the one division.
  int64_t twice_wins = 0;
  int64_t fakes_above = 0;
  for (const ScoreStep& step : counts.steps) {
    twice_wins += step.reals * (2 * fakes_above + step.fakes);
    fakes_above += step.fakes;
  }
  return static_cast<double>(twice_wins) /
         (2.0 * static_cast<double>(counts.all.fakes) * static_cast<double>(counts.all.reals));
}

std::vector<RocPoint> RocCurve(const ScoreCounts& counts) {
  std::vector<RocPoint> curve = {{}};
  ScoreStep called;
  for (const ScoreStep& step : counts.steps) {
    if (step.fakes + step.reals == 0) continue;
    called.fakes += step.fakes;
    called.reals += step.reals;
    curve.push_back({.false_alarms = Share(called.reals, counts.all.reals),
                     .recall = Share(called.fakes, counts.all.fakes)});
  }
  return curve;
}

double AveragePrecision(const ScoreCounts& counts) {
  double sum = 0;
  int64_t fakes_called = 0;
  int64_t called = 0;
  for (const ScoreStep& step : counts.steps) {
    if (step.fakes + step.reals == 0) continue;
    fakes_called += step.fakes;
    called += step.fakes + step.reals;
    sum += static_cast<double>(step.fakes) * Share(fakes_called, called);
  }
  return sum / static_cast<double>(counts.all.fakes);
}

double EqualErrorRate(const ScoreCounts& counts) {
  double miss = 1.0;
  double alarm = 0.0;
  ScoreStep called;
  for (const ScoreStep& step : counts.steps) {
    called.fakes += step.fakes;
    called.reals += step.reals;
    const double next_miss = 1.0 - Share(called.fakes, counts.all.fakes);
    const double next_alarm = Share(called.reals, counts.all.reals);
    const double gap = miss - alarm;
    const double next_gap = next_miss - next_alarm;
    if (next_gap <= 0) return alarm + (next_alarm - alarm) * gap / (gap - next_gap);
    miss = next_miss;
    alarm = next_alarm;
  }
  return alarm;  // not reached: at the lowest score every clip is called fake, so the gap is -1
}

double RecallAtFalseAlarms(const ScoreCounts& counts, int percent) {
  ScoreStep called;
  for (const ScoreStep& step : counts.steps) {
    if ((called.reals + step.reals) * 100 > percent * counts.all.reals) break;
    called.fakes += step.fakes;
    called.reals += step.reals;
  }
  return Share(called.fakes, counts.all.fakes);
}

double MinimalLogRatioCost(const ScoreCounts& counts) {
  double fake_bits = 0;
  double real_bits = 0;
  for (const ScoreStep& block : PoolAdjacentViolators(counts.steps)) {
    // The block's class-balanced share of fakes.
    const double fakes = Share(block.fakes, counts.all.fakes);
    const double reals = Share(block.reals, counts.all.reals);
    if (block.fakes > 0) fake_bits -= fakes * std::log2(fakes / (fakes + reals));
    if (block.reals > 0) real_bits -= reals * std::log2(reals / (fakes + reals));
  }
  return (fake_bits + real_bits) / 2;
}

}  // namespace interceptor
