// Do 95 of 100 intervals contain the truth?
#include <cmath>
#include <map>

#include "common/base/random.h"
#include "common/base/status.h"
#include "common/stats/measures.h"
#include "tests/support/catch.h"

namespace interceptor {
namespace {

constexpr int kFakesAFamily = 3;
constexpr double kFamilySpread = 0.6;  // of what the clips of a family have in common
constexpr double kApart = 1.2;

// A real and three fakes a family, which share a level; the second score sees a bit more than the first.
std::vector<PairedClipScore> Draw(uint64_t seed, int families) {
  const RandomKey key = MakeRandomKey(seed, "coverage test");
  std::vector<PairedClipScore> clips;
  uint64_t counter = 0;
  for (int family = 0; family < families; ++family) {
    const std::string name = Cat(family);
    const double level = kFamilySpread * RandomNormal(key, counter++);
    for (int clip = 0; clip <= kFakesAFamily; ++clip) {
      const bool fake = clip > 0;
      const double first = level + RandomNormal(key, counter++) + (fake ? kApart : -kApart) / 2;
      const double second = first + 0.5 * RandomNormal(key, counter++) + (fake ? 0.6 : 0);
      clips.push_back({name, fake, first, second});
    }
  }
  return clips;
}

std::vector<ClipScore> First(const std::vector<PairedClipScore>& clips) {
  std::vector<ClipScore> first;
  for (const PairedClipScore& clip : clips) first.push_back({clip.family, clip.fake, clip.first});
  return first;
}

// The measures of so many families that chance hardly moves them.
struct Truth {
  MeasureValues measures;
  MeasureValues differences;
};

Truth LargeSample() {
  const std::vector<PairedClipScore> clips = Draw(1, 200'000);
  std::vector<ScoredLabel> first;
  std::vector<ScoredLabel> second;
  for (const PairedClipScore& clip : clips) {
    first.push_back({clip.first, clip.fake});
    second.push_back({clip.second, clip.fake});
  }
  const std::vector<int32_t> once(clips.size(), 1);
  Truth truth{*MeasuredScores::Create(first)->Values(once), *MeasuredScores::Create(second)->Values(once)};
  for (size_t m = 0; m < kMeasures; ++m) truth.differences[m] -= truth.measures[m];
  return truth;
}

CATCH_TEST_CASE("of 200 data sets with families, the 95 % interval contains the truth in 91 to 98 of 100") {
  // The draw is fixed: over 1,500 sets 93 to 96 of 100 do (of differences of the equal error rate 98), and chance
  // moves 200 by 1.6.
  constexpr int kSets = 200;
  const Truth truth = LargeSample();
  // The others are biased on few clips, each in a known direction (docs/evaluation.md), or are sums of these.
  const Measure judged[] = {
      Measure::kAuc,   Measure::kAveragePrecision, Measure::kEqualErrorRate, Measure::kLogLoss,
      Measure::kBrier, Measure::kRealAccuracy,     Measure::kFakeAccuracy,   Measure::kRiskCoverageArea};
  std::map<Measure, int> held;
  std::map<Measure, int> differences_held;
  for (int set = 0; set < kSets; ++set) {
    const std::vector<PairedClipScore> clips = Draw(2000 + set, 120);
    const BootstrapOptions options{.seed = static_cast<uint64_t>(set), .replicates = 300};
    const auto measures = MeasureIntervals(First(clips), options);
    const auto differences = MeasureDifferences(clips, options);
    CATCH_REQUIRE(measures.ok());
    CATCH_REQUIRE(differences.ok());
    for (const Measure measure : judged) {
      const auto m = static_cast<size_t>(measure);
      const auto contains = [m](const MeasureTable& table, const MeasureValues& values) {
        return table.intervals[m]->low <= values[m] && values[m] <= table.intervals[m]->high;
      };
      held[measure] += contains(*measures, truth.measures) ? 1 : 0;
      differences_held[measure] += contains(*differences, truth.differences) ? 1 : 0;
    }
  }
  for (const Measure measure : judged) {
    CATCH_INFO(ToString(measure) << ": " << held[measure] << " and, of differences, "
                                 << differences_held[measure] << " of " << kSets);
    CATCH_CHECK(held[measure] >= 0.91 * kSets);
    CATCH_CHECK(held[measure] <= 0.98 * kSets);
    CATCH_CHECK(differences_held[measure] >= 0.91 * kSets);
    CATCH_CHECK(differences_held[measure] <= 0.98 * kSets);
  }
}

}  // namespace
}  // namespace interceptor
