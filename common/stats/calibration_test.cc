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

}  // namespace
}  // namespace interceptor
