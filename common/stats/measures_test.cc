#include "common/stats/measures.h"

#include <cmath>
#include <limits>
#include <set>

#include "common/base/random.h"
#include "common/base/status.h"
#include "tests/support/catch.h"

namespace interceptor {
namespace {

// One real and one fake a family, which share a level.
std::vector<ClipScore> DrawClips(uint64_t seed, int families) {
  const RandomKey key = MakeRandomKey(seed, "measures test");
  std::vector<ClipScore> clips;
  for (int i = 0; i < 2 * families; ++i) {
    const double level = 0.5 * RandomNormal(key, 1000000 + i / 2);
    clips.push_back({Cat(i / 2), i % 2 == 0, level + RandomNormal(key, i) + (i % 2 == 0 ? 1.0 : -1.0)});
  }
  return clips;
}

CATCH_TEST_CASE("every measure has a name of its own and an interval around its estimate") {
  std::set<std::string_view> names;
  const auto table = MeasureIntervals(DrawClips(1, 300), {.replicates = 200});
  CATCH_REQUIRE(table.ok());
  for (size_t m = 0; m < kMeasures; ++m) {
    names.insert(ToString(static_cast<Measure>(m)));
    CATCH_REQUIRE(table->intervals[m].has_value());
    CATCH_CHECK(table->intervals[m]->low < table->intervals[m]->high);
  }
  CATCH_CHECK(names.size() == kMeasures);
  CATCH_CHECK_FALSE(names.contains("?"));
  CATCH_CHECK(std::abs(table->Of(Measure::kLogRatioCost)->estimate * std::log(2.0) -
                       table->Of(Measure::kLogLoss)->estimate) < 1e-12);
  CATCH_CHECK(table->Of(Measure::kMinimalLogRatioCost)->estimate <
              table->Of(Measure::kLogRatioCost)->estimate);
}

CATCH_TEST_CASE("the AUC's interval is the one of AucInterval") {
  const std::vector<ClipScore> clips = DrawClips(2, 40);
  const Interval all = *MeasureIntervals(clips, {.seed = 3, .replicates = 100})->Of(Measure::kAuc);
  const auto alone = AucInterval(clips, {.seed = 3, .replicates = 100});
  CATCH_REQUIRE(alone.ok());
  CATCH_CHECK(all.estimate == alone->estimate);
  CATCH_CHECK(all.low == alone->low);
  CATCH_CHECK(all.high == alone->high);
}

CATCH_TEST_CASE("low shares of false alarms are given from 300 reals on; below, what so few reals can show") {
  const auto few = MeasureIntervals(DrawClips(3, 299), {.replicates = 2});
  CATCH_REQUIRE(few.ok());
  CATCH_CHECK_FALSE(few->Of(Measure::kRecallAt5).has_value());
  CATCH_CHECK_FALSE(few->Of(Measure::kRecallAt1).has_value());
  CATCH_CHECK(few->false_alarm_bound == 3.0 / 299);
  const auto enough = MeasureIntervals(DrawClips(3, 300), {.replicates = 2});
  CATCH_CHECK(enough->Of(Measure::kRecallAt5).has_value());
  CATCH_CHECK(enough->Of(Measure::kRecallAt1).has_value());
}

CATCH_TEST_CASE("a paired difference is judged on common replicates") {
  const RandomKey key = MakeRandomKey(9, "measures test");
  std::vector<PairedClipScore> clips;
  std::vector<ClipScore> first;
  std::vector<ClipScore> second;
  for (const ClipScore& clip : DrawClips(4, 100)) {
    const double better = clip.logit + 0.1 * RandomNormal(key, clips.size()) + (clip.fake ? 0.3 : 0);
    clips.push_back({clip.family, clip.fake, clip.logit, better});
    first.push_back(clip);
    second.push_back({clip.family, clip.fake, better});
  }
  const BootstrapOptions options{.replicates = 500};
  const auto difference = MeasureDifferences(clips, options);
  CATCH_REQUIRE(difference.ok());
  const Interval auc = *difference->Of(Measure::kAuc);
  const Interval before = *MeasureIntervals(first, options)->Of(Measure::kAuc);
  const Interval after = *MeasureIntervals(second, options)->Of(Measure::kAuc);
  CATCH_CHECK(auc.estimate == after.estimate - before.estimate);
  CATCH_CHECK(auc.low > 0);
  CATCH_CHECK(auc.p_value < 0.01);
  CATCH_CHECK(auc.high - auc.low < 0.5 * (after.high - after.low));
  for (PairedClipScore& clip : clips) clip.second = 2 * clip.first;
  const auto same = MeasureDifferences(clips, options);
  CATCH_CHECK(same->Of(Measure::kAuc)->low == 0);
  CATCH_CHECK(same->Of(Measure::kAuc)->high == 0);
  CATCH_CHECK(same->Of(Measure::kAuc)->p_value == 1);
  CATCH_CHECK(same->Of(Measure::kLogLoss)->estimate != 0);
}

CATCH_TEST_CASE("one class, a logit that is not finite and a prior of certainty are errors") {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const double infinity = std::numeric_limits<double>::infinity();
  for (const auto& clips : std::vector<std::vector<ClipScore>>{{},
                                                               {{"a", true, 1}},
                                                               {{"a", false, 1}, {"b", false, 2}},
                                                               {{"a", true, nan}, {"b", false, 1}},
                                                               {{"a", true, 1}, {"b", false, -infinity}}}) {
    CATCH_CHECK(absl::IsInvalidArgument(MeasureIntervals(clips, {}).status()));
  }
  const std::vector<ClipScore> good = {{"a", true, 1}, {"b", false, 0}};
  CATCH_CHECK(MeasureIntervals(good, {.replicates = 1}).ok());
  for (const double prior : {0.0, 1.0, nan}) {
    CATCH_CHECK(absl::IsInvalidArgument(MeasureIntervals(good, {.replicates = 1}, prior).status()));
  }
  CATCH_CHECK(
      absl::IsInvalidArgument(MeasureDifferences({{"a", true, 1, nan}, {"b", false, 0, 0}}, {}).status()));
}

}  // namespace
}  // namespace interceptor
