#include "common/stats/bootstrap.h"

#include <cmath>
#include <limits>
#include <set>

#include "common/base/random.h"
#include "common/base/status.h"
#include "tests/support/catch.h"

namespace interceptor {
namespace {

// Normal scores whose true AUC is 0.75: the classes lie Phi^-1(0.75) x sqrt(2) = 0.9539 apart.
constexpr double kApart = 0.953873;

std::vector<ClipScore> DrawClips(uint64_t seed, int clips_per_class) {
  const RandomKey key = MakeRandomKey(seed, "bootstrap test");
  std::vector<ClipScore> clips;
  for (int i = 0; i < 2 * clips_per_class; ++i) {
    const bool fake = i % 2 == 0;
    clips.push_back({Cat("family ", i), fake, RandomNormal(key, i) + (fake ? kApart : 0)});
  }
  return clips;
}

Interval MustAuc(const std::vector<ClipScore>& clips, const BootstrapOptions& options = {}) {
  const auto interval = AucInterval(clips, options);
  CATCH_REQUIRE(interval.ok());
  return *interval;
}

double HalfWidth(const Interval& interval) { return (interval.high - interval.low) / 2; }

CATCH_TEST_CASE("an interval depends on clips, names and seed, not on the order of clips") {
  const std::vector<ClipScore> clips = DrawClips(1, 40);
  std::vector<ClipScore> shuffled;
  for (const uint32_t i : RandomPermutation(MakeRandomKey(1, "order"), 80)) shuffled.push_back(clips[i]);
  const Interval first = MustAuc(clips, {.seed = 5});
  const Interval second = MustAuc(shuffled, {.seed = 5});
  CATCH_CHECK(first.estimate == second.estimate);
  CATCH_CHECK(first.low == second.low);
  CATCH_CHECK(first.high == second.high);
  CATCH_CHECK(MustAuc(clips, {.seed = 6}).low != first.low);
  CATCH_CHECK(first.low < first.estimate);
  CATCH_CHECK(first.estimate < first.high);
}

CATCH_TEST_CASE("separated classes give an interval of no width") {
  std::vector<ClipScore> clips;
  for (int i = 0; i < 30; ++i) {
    clips.push_back({Cat(i), true, 1.0 + i});
    clips.push_back({Cat(i), false, -1.0 - i});
  }
  const Interval interval = MustAuc(clips, {.replicates = 100});
  CATCH_CHECK(interval.low == 1.0);
  CATCH_CHECK(interval.high == 1.0);
}

CATCH_TEST_CASE("the half-width at AUC 0.75 and 100 clips per class is that of theory") {
  // Hanley and McNeil's formula (1982) gives 0.067.
  double sum = 0;
  constexpr int kSets = 20;
  for (int set = 0; set < kSets; ++set) sum += HalfWidth(MustAuc(DrawClips(set, 100), {.replicates = 500}));
  CATCH_CHECK(std::abs(sum / kSets - 0.067) < 0.004);
}

CATCH_TEST_CASE("copies of a clip within its family add no certainty") {
  const std::vector<ClipScore> clips = DrawClips(2, 50);
  std::vector<ClipScore> copies;
  std::vector<ClipScore> strangers;
  for (const ClipScore& clip : clips) {
    for (int i = 0; i < 9; ++i) {
      copies.push_back(clip);
      strangers.push_back({Cat(clip.family, " ", i), clip.fake, clip.logit});
    }
  }
  const double width = HalfWidth(MustAuc(clips));
  CATCH_CHECK(std::abs(HalfWidth(MustAuc(copies)) - width) < 1e-12);
  // Nine times the families: a third of the width.
  CATCH_CHECK(std::abs(HalfWidth(MustAuc(strangers)) / width - 1.0 / 3) < 0.06);
}

CATCH_TEST_CASE("a fake is drawn together with its original") {
  // A fake scores as its original and a bit: the family's own level is common to both and cancels.
  const RandomKey key = MakeRandomKey(7, "bootstrap test");
  std::vector<ClipScore> together;
  std::vector<ClipScore> apart;
  for (int i = 0; i < 100; ++i) {
    const double level = RandomNormal(key, i);
    together.push_back({Cat(i), false, level});
    together.push_back({Cat(i), true, level + 0.5});
    apart.push_back({Cat("real ", i), false, level});
    apart.push_back({Cat("fake ", i), true, level + 0.5});
  }
  CATCH_CHECK(HalfWidth(MustAuc(together)) < 0.5 * HalfWidth(MustAuc(apart)));
}

CATCH_TEST_CASE("every replicate draws as many families of each stratum as there are") {
  // Two families of reals, three of fakes, one of both; clip i of a family repeats its family's weight.
  const std::vector<ClipMember> clips = {{"r1", false}, {"r2", false},  {"f1", true},    {"f2", true},
                                         {"f3", true},  {"both", true}, {"both", false}, {"both", true}};
  std::set<std::vector<int32_t>> seen;
  int calls = 0;
  const auto measure = [&](const std::vector<int32_t>& weights) -> absl::StatusOr<double> {
    CATCH_REQUIRE(weights.size() == clips.size());
    CATCH_REQUIRE(weights[0] + weights[1] == 2);
    CATCH_REQUIRE(weights[2] + weights[3] + weights[4] == 3);
    CATCH_REQUIRE(weights[5] == 1);
    CATCH_REQUIRE(weights[6] == 1);
    CATCH_REQUIRE(weights[7] == 1);
    seen.insert(weights);
    ++calls;
    return 0.0;
  };
  const auto interval = FamilyInterval(clips, measure, {.replicates = 500});
  CATCH_REQUIRE(interval.ok());
  CATCH_CHECK(interval->real_families == 3);
  CATCH_CHECK(interval->fake_families == 4);
  CATCH_CHECK(interval->too_few);
  CATCH_CHECK(calls == 501);
  CATCH_CHECK(seen.size() == 3 * 10);  // 2 of 2 and 3 of 3 with replacement: every outcome turns up
}

CATCH_TEST_CASE("under thirty families of either class are too few") {
  std::vector<ClipScore> clips = DrawClips(3, 29);
  CATCH_CHECK(MustAuc(clips, {.replicates = 10}).too_few);
  clips.push_back({"another fake", true, 0.5});
  CATCH_CHECK(MustAuc(clips, {.replicates = 10}).too_few);
  clips.push_back({"family 1", false, 0.5});  // a second real of a known family is no new family
  CATCH_CHECK(MustAuc(clips, {.replicates = 10}).too_few);
  clips.push_back({"another real", false, 0.5});
  const Interval enough = MustAuc(clips, {.replicates = 10});
  CATCH_CHECK_FALSE(enough.too_few);
  CATCH_CHECK(enough.fake_families == 30);
  CATCH_CHECK(enough.real_families == 30);
}

CATCH_TEST_CASE("quantiles lie linearly between order statistics") {
  double next = -1;
  const auto counting = [&](const std::vector<int32_t>&) -> absl::StatusOr<double> { return next += 1; };
  const std::vector<ClipMember> clips = {{"a", true}, {"b", false}};
  auto interval = FamilyInterval(clips, counting, {.replicates = 101, .coverage = 0.9});
  CATCH_CHECK(interval->estimate == 0);
  CATCH_CHECK(std::abs(interval->low - 6) < 1e-9);
  CATCH_CHECK(std::abs(interval->high - 96) < 1e-9);
  next = -1;
  interval = FamilyInterval(clips, counting, {.replicates = 2, .coverage = 0.5});
  CATCH_CHECK(std::abs(interval->low - 1.25) < 1e-9);
  CATCH_CHECK(std::abs(interval->high - 1.75) < 1e-9);
  next = -1;
  interval = FamilyInterval(clips, counting, {.replicates = 1});
  CATCH_CHECK(interval->low == 1);
  CATCH_CHECK(interval->high == 1);
}

CATCH_TEST_CASE(
    "the class-balanced mean weighs both classes alike, and its paired interval is that of the difference") {
  const RandomKey key = MakeRandomKey(5, "balanced mean");
  std::vector<ClipMember> clips;
  std::vector<double> before;
  std::vector<double> rise;
  for (int i = 0; i < 240; ++i) {
    clips.push_back({Cat(i % 80), i >= 40});
    before.push_back(3 * RandomNormal(key, i));
    rise.push_back(0.1 + 0.1 * RandomNormal(key, 1000 + i));
  }
  const auto loss = BalancedMeanInterval(clips, before, {});
  const auto paired = BalancedMeanInterval(clips, rise, {});
  CATCH_REQUIRE((loss.ok() && paired.ok()));
  CATCH_CHECK(HalfWidth(*paired) < 0.1 * HalfWidth(*loss));
  CATCH_CHECK(paired->low > 0);
  const auto uneven =
      BalancedMeanInterval({{"a", true}, {"b", true}, {"c", true}, {"d", false}}, {1, 2, 3, 8}, {});
  CATCH_CHECK(uneven->estimate == 5);
  CATCH_CHECK(uneven->too_few);
  CATCH_CHECK(absl::IsInvalidArgument(BalancedMeanInterval(clips, {1, 2}, {}).status()));
  CATCH_CHECK(absl::IsInvalidArgument(BalancedMeanInterval({{"a", true}}, {1}, {}).status()));
}

CATCH_TEST_CASE("a p-value of 0 is twice the share of replicates beyond it, the estimate counted") {
  double next = -11;
  const auto counting = [&](const std::vector<int32_t>&) -> absl::StatusOr<double> { return next += 1; };
  const std::vector<ClipMember> clips = {{"a", true}, {"b", false}};
  // Replicates -9 .. 89: ten of 99 are at or below 0.
  const auto interval = FamilyInterval(clips, counting, {.replicates = 99});
  CATCH_CHECK(std::abs(interval->p_value - 2 * 11.0 / 100) < 1e-12);
  const auto constant = [](const std::vector<int32_t>&) -> absl::StatusOr<double> { return 1.0; };
  CATCH_CHECK(FamilyInterval(clips, constant, {.replicates = 99})->p_value == 2 * 1.0 / 100);
}

CATCH_TEST_CASE("bad input and a failing measure are errors") {
  const std::vector<ClipScore> good = {{"a", true, 1}, {"b", false, 0}};
  CATCH_CHECK(AucInterval(good, {}).ok());
  CATCH_CHECK(absl::IsInvalidArgument(AucInterval({}, {}).status()));
  CATCH_CHECK(absl::IsInvalidArgument(AucInterval({{"a", true, 1}, {"b", true, 0}}, {}).status()));
  CATCH_CHECK(absl::IsInvalidArgument(AucInterval(good, {.replicates = 0}).status()));
  CATCH_CHECK(absl::IsInvalidArgument(AucInterval(good, {.coverage = 1.0}).status()));
  const double nan = std::numeric_limits<double>::quiet_NaN();
  CATCH_CHECK(absl::IsInvalidArgument(AucInterval({{"a", true, nan}, {"b", false, 0}}, {}).status()));
  const auto failing = [](const std::vector<int32_t>&) -> absl::StatusOr<double> {
    return Internal("broken");
  };
  CATCH_CHECK(absl::IsInternal(FamilyInterval({{"a", true}, {"b", false}}, failing, {}).status()));
}

}  // namespace
}  // namespace interceptor
