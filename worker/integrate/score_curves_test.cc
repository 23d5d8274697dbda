#include "worker/integrate/score_curves.h"

#include <cmath>
#include <limits>
#include <numbers>

#include "tests/support/catch.h"

namespace interceptor::worker {
namespace {

ClipScore Clip(bool fake, double log10_ratio) {
  return {.family = "00/a", .fake = fake, .logit = log10_ratio * std::numbers::ln10};
}

ScoreCurves CurvesOf(const std::vector<ClipScore>& clips) {
  const auto curves = MakeScoreCurves(clips);
  CATCH_REQUIRE(curves.ok());
  return *curves;
}

CATCH_TEST_CASE("a histogram has bins of a quarter decade, and its outermost hold what lies further out") {
  const ScoreCurves curves =
      CurvesOf({Clip(true, 0.1), Clip(true, 0.2), Clip(true, 9), Clip(false, -0.1), Clip(false, -9)});
  CATCH_REQUIRE(curves.histogram.size() == 24);
  CATCH_CHECK(curves.histogram[12].fakes == 2);
  CATCH_CHECK(curves.histogram[11].reals == 1);
  CATCH_CHECK(curves.histogram[23].fakes == 1);
  CATCH_CHECK(curves.histogram[0].reals == 1);
  const nlohmann::json bins = ToJson(curves).at("histogram");
  CATCH_CHECK(bins[0].at("from") == -3.0);
  CATCH_CHECK(bins[12].at("from") == 0.0);
  CATCH_CHECK(bins[23].at("from") == 2.75);
}

CATCH_TEST_CASE(
    "a ratio of zero, as of a clip that was abstained from, is P(fake) of a half in the bin from zero") {
  const ScoreCurves curves = CurvesOf({Clip(true, 0), Clip(false, 0), Clip(false, 0)});
  CATCH_CHECK(curves.histogram[12].fakes == 1);
  CATCH_CHECK(curves.histogram[12].reals == 2);
  const nlohmann::json bin = ToJson(curves).at("reliability").at(7);
  CATCH_CHECK(bin.at("clips") == 3);
  CATCH_CHECK(bin.at("reals") == 2);
  CATCH_CHECK(bin.at("mean_p") == 0.5);
  CATCH_CHECK(bin.at("fake_share") == 0.5);
}

CATCH_TEST_CASE("a ROC curve of many scores is thinned by less than its step, and keeps both ends") {
  std::vector<ClipScore> clips;
  for (int i = 0; i < 5000; ++i) clips.push_back(Clip(i % 2 == 0, 0.0001 * i));
  const std::vector<RocPoint> roc = CurvesOf(clips).roc;
  CATCH_CHECK(roc.size() > 250);
  CATCH_CHECK(roc.size() < 520);
  CATCH_CHECK(roc.front().false_alarms == 0.0);
  CATCH_CHECK(roc.back().false_alarms == 1.0);
  CATCH_CHECK(roc.back().recall == 1.0);
  for (size_t i = 1; i < roc.size(); ++i) {
    CATCH_CHECK(roc[i].false_alarms - roc[i - 1].false_alarms < kRocStep + 0.001);
    CATCH_CHECK(roc[i].recall - roc[i - 1].recall < kRocStep + 0.001);
  }
}

CATCH_TEST_CASE("one class alone and ratios that are not numbers give no curves") {
  CATCH_CHECK(absl::IsInvalidArgument(MakeScoreCurves({Clip(true, 1)}).status()));
  const double none = std::numeric_limits<double>::quiet_NaN();
  CATCH_CHECK(absl::IsInvalidArgument(MakeScoreCurves({Clip(true, none), Clip(false, 0)}).status()));
}

}  // namespace
}  // namespace interceptor::worker
