#include "worker/integrate/subset_weights.h"

#include <cmath>

#include "common/base/random.h"
#include "tests/support/catch.h"

namespace interceptor::worker {
namespace {

// Ratios that are what they say, of normal scores that lie `apart`, one family a clip.
std::vector<RatioClip> Draw(int clips, const std::vector<double>& apart) {
  const RandomKey key = MakeRandomKey(3, "subset weights");
  std::vector<RatioClip> drawn;
  uint64_t counter = 0;
  for (int i = 0; i < clips; ++i) {
    RatioClip& clip = drawn.emplace_back();
    clip.family = static_cast<uint32_t>(i);
    clip.fake = i % 2 == 0;
    clip.present = (Subset{1} << apart.size()) - 1;
    for (const double distance : apart) {
      const double score = RandomNormal(key, counter++) + (clip.fake ? distance / 2 : -distance / 2);
      clip.ratios.push_back(distance * score);
    }
  }
  return drawn;
}

SubsetWeights Fit(const std::vector<RatioClip>& clips, size_t specialists, double pull) {
  const auto common = FitCommon(clips, specialists);
  CATCH_REQUIRE(common.ok());
  const auto weights = FitSubsets(clips, specialists, *common, pull);
  CATCH_INFO(weights.status().ToString());
  CATCH_REQUIRE(weights.ok());
  return *weights;
}

CATCH_TEST_CASE("independent ratios that are what they say are added up, in every subset") {
  const SubsetWeights weights = Fit(Draw(4000, {1, 1.5, 2}), 3, 1);
  CATCH_REQUIRE(weights.subsets.size() == 7);
  for (Subset subset = 1; subset <= 7; ++subset) {
    const LogisticFit& fit = weights.Of(subset);
    CATCH_CHECK(std::abs(fit.bias) < 0.15);
    for (size_t i = 0; i < 3; ++i) {
      if (subset >> i & 1) CATCH_CHECK(std::abs(fit.weights[i] - 1) < 0.2);
      if ((subset >> i & 1) == 0) CATCH_CHECK(fit.weights[i] == 0);
    }
  }
  CATCH_CHECK(weights.Weighed(0b110, {100, 1, 2}) ==
              weights.Of(0b110).bias + weights.Of(0b110).weights[1] + weights.Of(0b110).weights[2] * 2);
}

CATCH_TEST_CASE(
    "each subset has weights of its own: of two copies each speaks alone, and one beside the other") {
  std::vector<RatioClip> clips = Draw(1000, {2, 1});
  for (RatioClip& clip : clips) clip.ratios[1] = clip.ratios[0];
  const SubsetWeights weights = Fit(clips, 2, 1);
  CATCH_CHECK(std::abs(weights.Of(0b01).weights[0] - 1) < 0.2);
  CATCH_CHECK(std::abs(weights.Of(0b10).weights[1] - 1) < 0.2);
  CATCH_CHECK(std::abs(weights.Of(0b11).weights[0] - 0.5) < 0.1);
  CATCH_CHECK(std::abs(weights.Of(0b11).weights[1] - 0.5) < 0.1);
}

CATCH_TEST_CASE("the pull draws a subset's slope to the common one, and its weights to each other") {
  std::vector<RatioClip> clips = Draw(1000, {2, 1, 1});
  for (RatioClip& clip : clips) clip.ratios[1] *= 3;
  const SubsetWeights loose = Fit(clips, 3, 0.01);
  const SubsetWeights drawn = Fit(clips, 3, 1e7);
  CATCH_CHECK(std::abs(loose.Of(0b010).weights[1] - 1.0 / 3) < 0.1);
  CATCH_CHECK(std::abs(loose.Of(0b011).weights[0] - loose.Of(0b011).weights[1]) > 0.4);
  for (Subset subset = 1; subset <= 7; ++subset) {
    for (size_t i = 0; i < 3; ++i) {
      if ((subset >> i & 1) == 0) continue;
      CATCH_CHECK(std::abs(drawn.Of(subset).weights[i] - drawn.common.weights[0]) < 1e-3);
    }
  }
}

CATCH_TEST_CASE("a subset that never speaks together, or of one class alone, takes the common fit") {
  std::vector<RatioClip> clips = Draw(600, {2, 1, 1.5});
  for (size_t i = 0; i < clips.size(); ++i) {
    RatioClip& clip = clips[i];
    const size_t silent = i / 2 % 2;  // 0 and 1 never both
    clip.present &= ~(Subset{1} << silent);
    clip.ratios[silent] = 0;
    if (silent == 0 && !clip.fake) clip.present &= 0b011;  // 1 and 2 together on fakes alone
  }
  const SubsetWeights weights = Fit(clips, 3, 1);
  for (const Subset subset : {0b011, 0b110, 0b111}) {
    CATCH_CHECK(weights.Of(subset).bias == weights.common.bias);
    for (size_t i = 0; i < 3; ++i) {
      CATCH_CHECK(weights.Of(subset).weights[i] == (subset >> i & 1 ? weights.common.weights[0] : 0));
    }
  }
  CATCH_CHECK(weights.Of(0b101).weights[0] != weights.common.weights[0]);
}

CATCH_TEST_CASE("clips of one class alone cannot be weighed; unfitted, weights are those of a mean") {
  std::vector<RatioClip> clips = Draw(100, {1});
  for (RatioClip& clip : clips) clip.fake = true;
  CATCH_CHECK(absl::IsInvalidArgument(FitCommon(clips, 1).status()));
  const SubsetWeights mean = MeanOfSubsets(3);
  CATCH_REQUIRE(mean.subsets.size() == 7);
  CATCH_CHECK(mean.Weighed(0b101, {1, 100, 3}) == 2);
}

}  // namespace
}  // namespace interceptor::worker
