#include "common/stats/ranking.h"

#include <cmath>
#include <limits>

#include "common/base/random.h"
#include "tests/support/catch.h"

namespace interceptor {
namespace {

constexpr bool kFake = true;
constexpr bool kReal = false;

// Fakes at .4 .4 .8 .9, reals at .1 .4 .6 .8.
const std::vector<ScoredLabel> kTied = {{0.1, kReal}, {0.4, kReal}, {0.4, kFake}, {0.4, kFake},
                                        {0.6, kReal}, {0.8, kFake}, {0.8, kReal}, {0.9, kFake}};

bool Near(const absl::StatusOr<double>& value, double expected) {
  return value.ok() && std::abs(*value - expected) < 1e-12;
}

ScoreCounts CountsOf(const std::vector<ScoredLabel>& scores) {
  const auto order = ScoreOrder::Create(scores);
  CATCH_REQUIRE(order.ok());
  ScoreCounts counts;
  CATCH_REQUIRE(order->Count(std::vector<int32_t>(scores.size(), 1), counts).ok());
  return counts;
}

// The definition itself, pair by pair.
double AucByPairs(const std::vector<ScoredLabel>& scores, const std::vector<int32_t>& weights) {
  double wins = 0;
  double pairs = 0;
  for (size_t i = 0; i < scores.size(); ++i) {
    for (size_t j = 0; j < scores.size(); ++j) {
      if (!scores[i].fake || scores[j].fake) continue;
      const double weight = static_cast<double>(weights[i]) * weights[j];
      pairs += weight;
      if (scores[i].score > scores[j].score) wins += weight;
      if (scores[i].score == scores[j].score) wins += weight / 2;
    }
  }
  return wins / pairs;
}

CATCH_TEST_CASE("measures of a small set with ties equal those worked out by hand") {
  // Pairs won by the fakes: 1.5 + 1.5 + 3.5 + 4 of 16.
  CATCH_CHECK(*Auc(kTied) == 10.5 / 16);
  const ScoreCounts counts = CountsOf(kTied);
  // Recall steps 1/4, 1/4, 1/2 at precisions 1, 2/3, 4/7.
  CATCH_CHECK(Near(AveragePrecision(counts), 0.25 + 0.25 * 2 / 3 + 0.5 * 4 / 7));
  // Called fake from .6 up: two of four fakes are missed, two of four reals are called.
  CATCH_CHECK(Near(EqualErrorRate(counts), 0.5));
  CATCH_CHECK(RecallAtFalseAlarms(counts, 24) == 0.25);
  CATCH_CHECK(RecallAtFalseAlarms(counts, 25) == 0.5);
  CATCH_CHECK(RecallAtFalseAlarms(counts, 74) == 0.5);
  CATCH_CHECK(RecallAtFalseAlarms(counts, 75) == 1.0);
  // Blocks by falling share of fakes: {1 fake}, {3 fakes, 3 reals}, {1 real}.
  CATCH_CHECK(Near(MinimalLogRatioCost(counts), 0.75));
}

CATCH_TEST_CASE("measures equal those of scikit-learn 1.2") {
  const std::vector<ScoredLabel> ten = {{-2, kReal}, {-1.5, kReal}, {-1, kFake}, {-0.5, kReal}, {0, kReal},
                                        {0, kFake},  {0.5, kFake},  {1, kReal},  {1.5, kFake},  {2, kFake}};
  CATCH_CHECK(Near(Auc(ten), 0.78));
  CATCH_CHECK(Near(AveragePrecision(CountsOf(ten)), 0.8083333333333333));
  CATCH_CHECK(Near(AveragePrecision(CountsOf(kTied)), 0.7023809523809523));
}

CATCH_TEST_CASE("separated, reversed and equal scores give the end points") {
  const std::vector<ScoredLabel> separated = {{3, kFake}, {2, kFake}, {1, kReal}, {0, kReal}};
  CATCH_CHECK(*Auc(separated) == 1.0);
  CATCH_CHECK(AveragePrecision(CountsOf(separated)) == 1.0);
  CATCH_CHECK(EqualErrorRate(CountsOf(separated)) == 0.0);
  CATCH_CHECK(RecallAtFalseAlarms(CountsOf(separated), 0) == 1.0);
  CATCH_CHECK(MinimalLogRatioCost(CountsOf(separated)) == 0.0);
  const std::vector<ScoredLabel> reversed = {{3, kReal}, {2, kReal}, {1, kFake}, {0, kFake}};
  CATCH_CHECK(*Auc(reversed) == 0.0);
  CATCH_CHECK(Near(AveragePrecision(CountsOf(reversed)), 0.5 / 3 + 0.5 * 2 / 4));
  CATCH_CHECK(EqualErrorRate(CountsOf(reversed)) == 1.0);
  CATCH_CHECK(RecallAtFalseAlarms(CountsOf(reversed), 5) == 0.0);
  CATCH_CHECK(MinimalLogRatioCost(CountsOf(reversed)) == 1.0);
  const std::vector<ScoredLabel> equal = {{1, kReal}, {1, kFake}, {1, kFake}, {1, kFake}};
  CATCH_CHECK(*Auc(equal) == 0.5);
  CATCH_CHECK(AveragePrecision(CountsOf(equal)) == 0.75);
  CATCH_CHECK(EqualErrorRate(CountsOf(equal)) == 0.5);
  CATCH_CHECK(MinimalLogRatioCost(CountsOf(equal)) == 1.0);
}

CATCH_TEST_CASE("the ROC curve has a point for each distinct score, and its area is the AUC") {
  const std::vector<RocPoint> curve = RocCurve(CountsOf(kTied));
  CATCH_REQUIRE(curve.size() > 2);
  CATCH_CHECK(curve.front().false_alarms == 0.0);
  CATCH_CHECK(curve.front().recall == 0.0);
  CATCH_CHECK(curve.back().false_alarms == 1.0);
  CATCH_CHECK(curve.back().recall == 1.0);
  double area = 0;
  for (size_t i = 1; i < curve.size(); ++i) {
    area += (curve[i].false_alarms - curve[i - 1].false_alarms) * (curve[i].recall + curve[i - 1].recall) / 2;
  }
  CATCH_CHECK(Near(area, *Auc(kTied)));
  const std::vector<RocPoint> one_score = RocCurve(CountsOf({{1, kReal}, {1, kFake}, {1, kFake}}));
  CATCH_CHECK(one_score.size() == 2);
}

CATCH_TEST_CASE("the equal error rate lies on the line between two points of the curve") {
  // (alarm, miss) goes from (0, 2/3) to (1/2, 0) at score 1; the line meets the diagonal at 2/7.
  const std::vector<ScoredLabel> five = {{3, kFake}, {1, kFake}, {1, kFake}, {1, kReal}, {0, kReal}};
  CATCH_CHECK(Near(EqualErrorRate(CountsOf(five)), 2.0 / 7));
}

CATCH_TEST_CASE("no measure depends on the order of clips or on the scale of scores") {
  const RandomKey key = MakeRandomKey(3, "ranking test");
  std::vector<ScoredLabel> scores;
  for (int i = 0; i < 200; ++i) {
    // Few distinct values, so that ties of mixed classes are common.
    scores.push_back({std::floor(RandomUniform(key, 2 * i) * 20), RandomUniform(key, 2 * i + 1) < 0.4});
  }
  std::vector<ScoredLabel> other;
  for (const uint32_t i : RandomPermutation(key, 200)) {
    other.push_back({std::exp(scores[i].score) - 5, scores[i].fake});
  }
  CATCH_CHECK(*Auc(scores) == *Auc(other));
}

CATCH_TEST_CASE("the AUC equals its definition pair by pair, weighted too") {
  const RandomKey key = MakeRandomKey(4, "ranking test");
  uint64_t counter = 0;
  for (int round = 0; round < 50; ++round) {
    std::vector<ScoredLabel> scores = {{0, kFake}, {0, kReal}};
    std::vector<int32_t> weights = {1, 2};
    for (uint64_t i = RandomIndex(key, counter++, 30); i > 0; --i) {
      scores.push_back(
          {static_cast<double>(RandomIndex(key, counter++, 8)) - 3, RandomIndex(key, counter++, 2) == 0});
      weights.push_back(static_cast<int32_t>(RandomIndex(key, counter++, 4)));
    }
    const auto order = ScoreOrder::Create(scores);
    CATCH_REQUIRE(order.ok());
    CATCH_CHECK(Near(order->Auc(weights), AucByPairs(scores, weights)));
    CATCH_CHECK(Near(Auc(scores), AucByPairs(scores, std::vector<int32_t>(scores.size(), 1))));
  }
}

CATCH_TEST_CASE("infinite scores are ordered like any other") {
  const double infinity = std::numeric_limits<double>::infinity();
  CATCH_CHECK(*Auc({{infinity, kFake}, {infinity, kReal}, {-infinity, kReal}, {0, kFake}}) == 2.5 / 4);
}

CATCH_TEST_CASE("a missing class or a score that is no number is an error of every measure") {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const std::vector<std::vector<ScoredLabel>> bad = {
      {}, {{1, kFake}}, {{1, kReal}, {2, kReal}}, {{1, kReal}, {nan, kFake}}};
  for (const auto& scores : bad) {
    CATCH_CHECK(absl::IsInvalidArgument(Auc(scores).status()));
  }
  const auto order = ScoreOrder::Create({{1, kReal}, {2, kFake}});
  CATCH_REQUIRE(order.ok());
  CATCH_CHECK(absl::IsInvalidArgument(order->Auc({1, 0}).status()));
  CATCH_CHECK(absl::IsInvalidArgument(order->Auc({1}).status()));
}

}  // namespace
}  // namespace interceptor
