#include "common/stats/calibration.h"

#include <cmath>
#include <limits>
#include <numbers>

#include "tests/support/catch.h"

namespace interceptor {
namespace {

constexpr bool kFake = true;
constexpr bool kReal = false;

const std::vector<ScoredLabel> kFive = {
    {2.0, kFake}, {-1.0, kFake}, {0.5, kFake}, {-3.0, kReal}, {0.25, kReal}};

bool Near(double value, double expected, double tolerance = 1e-12) {
  return std::abs(value - expected) <= tolerance;
}

struct Costed {
  LogitCosts costs;
  ScoreCounts counts;
};

Costed CostOf(const std::vector<ScoredLabel>& clips, double fake_prior = 0.5) {
  const auto order = ScoreOrder::Create(clips);
  CATCH_REQUIRE(order.ok());
  Costed costed{LogitCosts(order->scores(), fake_prior), {}};
  CATCH_REQUIRE(order->Count(std::vector<int32_t>(clips.size(), 1), costed.counts).ok());
  return costed;
}

double CalibrationError(const std::vector<ScoredLabel>& clips) {
  const Costed costed = CostOf(clips);
  return costed.costs.CalibrationError(costed.counts);
}

CATCH_TEST_CASE("measures of five clips equal those worked out with numpy") {
  CATCH_CHECK(Near(*BalancedLogLoss(kFive), 0.5376761399866967));
  const auto accuracy = AccuracyByClass(kFive);
  CATCH_REQUIRE(accuracy.ok());
  CATCH_CHECK(Near(accuracy->fake, 2.0 / 3));
  CATCH_CHECK(accuracy->real == 0.5);
  CATCH_CHECK(accuracy->fakes == 3);
  CATCH_CHECK(accuracy->reals == 2);
  CATCH_CHECK(Near(accuracy->balanced(), 7.0 / 12));
}

CATCH_TEST_CASE("logits of zero say nothing: ln 2, and every clip is called fake") {
  const std::vector<ScoredLabel> clips = {{0, kFake}, {0, kReal}, {0, kReal}};
  CATCH_CHECK(Near(*BalancedLogLoss(clips), std::numbers::ln2));
  CATCH_CHECK(AccuracyByClass(clips)->fake == 1.0);
  CATCH_CHECK(AccuracyByClass(clips)->real == 0.0);
}

CATCH_TEST_CASE("the log loss of extreme logits neither overflows nor vanishes") {
  CATCH_CHECK(ClipLogLoss({1000, kReal}) == 1000.0);
  CATCH_CHECK(ClipLogLoss({-1e308, kFake}) == 1e308);
  CATCH_CHECK(ClipLogLoss({1000, kFake}) == 0.0);
  // log(1 + e) = e for e this small, where 1 + e would round to 1.
  CATCH_CHECK(Near(ClipLogLoss({40, kFake}) / std::exp(-40.0), 1.0));
}

CATCH_TEST_CASE("repeating one class changes no measure") {
  std::vector<ScoredLabel> more = kFive;
  for (const ScoredLabel& clip : kFive) {
    if (!clip.fake) more.insert(more.end(), 6, clip);
  }
  CATCH_CHECK(Near(*BalancedLogLoss(more), *BalancedLogLoss(kFive)));
  CATCH_CHECK(AccuracyByClass(more)->real == AccuracyByClass(kFive)->real);
}

CATCH_TEST_CASE("a missing class or a logit that is not finite is an error of every measure") {
  const std::vector<std::vector<ScoredLabel>> bad = {
      {},
      {{1, kFake}},
      {{1, kReal}, {2, kReal}},
      {{1, kReal}, {std::numeric_limits<double>::infinity(), kFake}},
      {{std::numeric_limits<double>::quiet_NaN(), kReal}, {1, kFake}}};
  for (const auto& clips : bad) {
    CATCH_CHECK(absl::IsInvalidArgument(BalancedLogLoss(clips).status()));
    CATCH_CHECK(absl::IsInvalidArgument(AccuracyByClass(clips).status()));
  }
}

CATCH_TEST_CASE("sorted logits cost what clip by clip they cost") {
  const auto [costs, counts] = CostOf(kFive);
  CATCH_CHECK(Near(costs.LogLoss(counts), *BalancedLogLoss(kFive)));
  CATCH_CHECK(costs.Accuracy(counts).fake == AccuracyByClass(kFive)->fake);
  CATCH_CHECK(costs.Accuracy(counts).real == AccuracyByClass(kFive)->real);
  CATCH_CHECK(Near(costs.CalibrationError(counts), 0.3570342884242192));
  const auto [even, both] = CostOf({{0, kFake}, {0, kReal}, {0, kReal}});
  CATCH_CHECK(Near(even.Brier(both), 0.25));
  CATCH_CHECK(even.CalibrationError(both) == 0.0);
}

CATCH_TEST_CASE("a prior adds its log-odds and weighs the classes") {
  // At one fake in five a ratio of four is even odds: called fake, just.
  const std::vector<ScoredLabel> clips = {{std::log(4.0) + 1e-12, kFake}, {std::log(4.0) - 1e-12, kReal}};
  const auto [costs, counts] = CostOf(clips, 0.2);
  CATCH_CHECK(costs.Accuracy(counts).balanced() == 1.0);
  CATCH_CHECK(Near(costs.LogLoss(counts), std::numbers::ln2, 1e-9));
  CATCH_CHECK(Near(costs.Brier(counts), 0.25, 1e-9));
}

CATCH_TEST_CASE(
    "probabilities that come true have no calibration error; certain and wrong ones have it all") {
  // P(fake) = 0.8 and 4 of 5 such clips are fake; 0.2 and 1 of 5. The classes are of one size.
  std::vector<ScoredLabel> honest;
  const double z = std::log(4.0);
  for (int i = 0; i < 4; ++i) {
    honest.push_back({z, kFake});
    honest.push_back({-z, kReal});
  }
  honest.push_back({z, kReal});
  honest.push_back({-z, kFake});
  CATCH_CHECK(Near(CalibrationError(honest), 0.0));
  CATCH_CHECK(Near(CalibrationError({{50, kReal}, {-50, kFake}}), 1.0));
  // A P(fake) of exactly 1 stands in the last bin.
  CATCH_CHECK(Near(CalibrationError({{800, kFake}, {-800, kReal}}), 0.0));
}

CATCH_TEST_CASE("bins hold their clips, with class-balanced shares whose gaps are the calibration error") {
  // Three fakes weigh 1/6 each, one real 1/2; P(fake) = 0.8 and 0.2 stand in bins 12 and 3 of 15.
  const double z = std::log(4.0);
  const auto [costs, counts] = CostOf({{z, kFake}, {z, kFake}, {-z, kFake}, {z, kReal}});
  const std::vector<ReliabilityBin> bins = costs.Reliability(counts);
  CATCH_REQUIRE(bins.size() == static_cast<size_t>(kCalibrationBins));
  CATCH_CHECK(bins[12].fakes == 2);
  CATCH_CHECK(bins[12].reals == 1);
  CATCH_CHECK(Near(bins[12].weight, 5.0 / 6));
  CATCH_CHECK(Near(bins[12].fake_share, 0.4));
  CATCH_CHECK(Near(bins[12].mean_p, 0.8));
  CATCH_CHECK(bins[3].fakes == 1);
  CATCH_CHECK(Near(bins[3].fake_share, 1));
  CATCH_CHECK(bins[0].weight == 0.0);
  const auto [five_costs, five_counts] = CostOf(kFive);
  double error = 0;
  for (const ReliabilityBin& bin : five_costs.Reliability(five_counts)) {
    error += bin.weight * std::abs(bin.fake_share - bin.mean_p);
  }
  CATCH_CHECK(Near(error, five_costs.CalibrationError(five_counts)));
}

CATCH_TEST_CASE(
    "the risk-coverage curve takes clips of one confidence together, whichever side they stand on") {
  // |z| = 3: one real, right; 2: a fake right, a real wrong; 0: a fake, right.
  const auto [costs, counts] = CostOf({{-3, kReal}, {2, kFake}, {2, kReal}, {0, kFake}});
  const std::vector<CoveragePoint> curve = costs.RiskCoverage(counts);
  CATCH_REQUIRE(curve.size() == 3);
  CATCH_CHECK(curve[0].coverage == 0.25);
  CATCH_CHECK(curve[0].risk == 0);
  CATCH_CHECK(curve[1].confidence == 2);
  CATCH_CHECK(curve[1].coverage == 0.75);
  CATCH_CHECK(Near(curve[1].risk, 1.0 / 3));
  CATCH_CHECK(curve[2].coverage == 1);
  CATCH_CHECK(curve[2].risk == 0.25);
  CATCH_CHECK(Near(costs.RiskCoverageArea(counts), 0.5 / 3 + 0.25 * 0.25));
  const auto [mirrored, pair] = CostOf({{1, kReal}, {-1, kReal}, {5, kFake}});
  CATCH_CHECK(mirrored.RiskCoverage(pair).size() == 2);
}

}  // namespace
}  // namespace interceptor
