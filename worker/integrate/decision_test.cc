#include "worker/integrate/decision.h"

#include <cmath>

#include "common/base/random.h"
#include "tests/support/catch.h"

namespace interceptor::worker {
namespace {

std::vector<ScoredLabel> Draw(uint64_t seed, int each_class) {
  const RandomKey key = MakeRandomKey(seed, "decision");
  std::vector<ScoredLabel> clips;
  uint64_t counter = 0;
  for (int i = 0; i < each_class; ++i) {
    clips.push_back({-3 + 2 * RandomNormal(key, counter++), false});
    clips.push_back({3 + 2 * RandomNormal(key, counter++), true});
  }
  return clips;
}

CATCH_TEST_CASE("the last of a hundred of a class may be called the other one") {
  std::vector<ScoredLabel> clips;
  for (int i = 0; i < 199; ++i) {
    clips.push_back({i - 190.0, false});
    clips.push_back({190.0 - i, true});
  }
  const auto band = FitDecisionBand(clips);
  CATCH_REQUIRE(band.ok());
  CATCH_CHECK(band->fake_above == 7);  // of 8, 7, 6, ... the first alone is above
  CATCH_CHECK(band->real_below == -7);
  CATCH_CHECK(band->real_error == 0.01);
  CATCH_CHECK(band->reals == 199);
  CATCH_CHECK(Decide(7, *band, 0.5) == Verdict::kInconclusive);
  CATCH_CHECK(Decide(7.1, *band, 0.5) == Verdict::kFake);
  CATCH_CHECK(Decide(-7.1, *band, 0.5) == Verdict::kReal);
}

CATCH_TEST_CASE("of clips to come no larger share is called the wrong class than promised") {
  double reals = 0;
  double fakes = 0;
  constexpr int kSets = 200;
  for (uint64_t seed = 0; seed < kSets; ++seed) {
    const auto band = FitDecisionBand(Draw(seed, 150));
    CATCH_REQUIRE(band.ok());
    CATCH_CHECK(band->real_error <= 0.0134);
    for (const ScoredLabel& clip : Draw(seed + 1000, 500)) {
      const Verdict verdict = Decide(clip.score, *band, 0.5);
      if (!clip.fake && verdict == Verdict::kFake) ++reals;
      if (clip.fake && verdict == Verdict::kReal) ++fakes;
    }
  }
  CATCH_CHECK(reals / (kSets * 500) < 0.0134);
  CATCH_CHECK(fakes / (kSets * 500) < 0.0134);
  CATCH_CHECK(reals / (kSets * 500) > 0.003);  // nor is it far stricter
}

CATCH_TEST_CASE("with few clips none may be called the other class, and what that can promise is said") {
  const auto band = FitDecisionBand({{-1, false}, {2, false}, {1, true}, {-3, true}, {5, true}});
  CATCH_REQUIRE(band.ok());
  CATCH_CHECK(band->fake_above == 2);
  CATCH_CHECK(band->real_below == -3);
  CATCH_CHECK(band->real_error == 1.0 / 3);
  CATCH_CHECK(band->fake_error == 1.0 / 4);
  CATCH_CHECK_FALSE(FitDecisionBand({{1, true}}).ok());
}

CATCH_TEST_CASE("classes that lie well apart leave no gap, and the prior can still withhold a verdict") {
  const auto band = FitDecisionBand({{-4, false}, {-5, false}, {4, true}, {5, true}});
  CATCH_REQUIRE(band.ok());
  CATCH_CHECK(band->fake_above == 0);
  CATCH_CHECK(band->real_below == 0);
  CATCH_CHECK(Decide(1, *band, 0.5) == Verdict::kFake);
  CATCH_CHECK(Decide(1, *band, 0.01) == Verdict::kInconclusive);
  CATCH_CHECK(Decide(-1, *band, 0.99) == Verdict::kInconclusive);
  CATCH_CHECK(Decide(6, *band, 0.01) == Verdict::kFake);
}

}  // namespace
}  // namespace interceptor::worker
