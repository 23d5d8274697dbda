#include "worker/detect/verdict.h"

#include <cmath>

#include "common/base/status.h"
#include "tests/support/bundle_sample.h"
#include "tests/support/catch.h"

namespace interceptor::worker {
namespace {

const Bundle& Sample() {
  static const BundleSample sample;
  static const Bundle bundle{.chunk = "03",
                             .trained_on = "",
                             .settings = sample.options.settings,
                             .specialists = {},
                             .fusion = sample.results.fusion->fusion,
                             .attributes = {{"brightness", {0.2, 0.6}}, {"duration_s", {1, 20}}, {"height", {240, 352}}},
                             .files = {}};
  return bundle;
}

using Attributes = std::map<std::string, double>;
const Attributes kUsual = {{"brightness", 0.4}, {"duration_s", 5}, {"face_share", 1}};

// BG and CM with these logits at each of their windows; one without any abstains.
std::vector<SpecialistScore> Scores(const std::vector<float>& bg, const std::vector<float>& cm) {
  std::vector<SpecialistScore> scores;
  for (const auto& [name, logits] :
       {std::pair{SpecialistName::kBG, bg}, std::pair{SpecialistName::kCM, cm}}) {
    std::vector<SampleScore> windows;
    for (const float logit : logits) windows.push_back({.fused = logit});
    SpecialistScore& score = scores.emplace_back(SpecialistScore{.specialist = name});
    score.logits = MeanOf(std::move(windows));
    if (logits.empty()) score.abstained = "it has nothing to look at";
  }
  return scores;
}

CATCH_TEST_CASE("strong evidence is a verdict, which probability and ratio agree with") {
  const VideoJudgement fake = JudgeScores(Sample(), Scores({4, 4, 4}, {4, 4}), kUsual);
  CATCH_CHECK(fake.verdict == Verdict::kFake);
  CATCH_CHECK(fake.reason.empty());
  CATCH_CHECK(fake.figures_hold);
  CATCH_CHECK(fake.probability == Approx(1 / (1 + std::exp(-fake.log_ratio))));
  CATCH_CHECK(fake.log_ratio <= fake.bound);
  CATCH_CHECK(fake.bound == Approx(std::log(121)));
  CATCH_CHECK(fake.warnings.empty());
  const VideoJudgement real = JudgeScores(Sample(), Scores({-4, -4, -4}, {-4}), kUsual);
  CATCH_CHECK(real.verdict == Verdict::kReal);
  CATCH_CHECK(real.probability < 0.05);
}

CATCH_TEST_CASE("what both kinds of clips score is INCONCLUSIVE, and so is what nobody can judge") {
  const auto reason = [](const std::vector<SpecialistScore>& scores, const Attributes& attributes) {
    const VideoJudgement judgement = JudgeScores(Sample(), scores, attributes);
    CATCH_CHECK(judgement.verdict == Verdict::kInconclusive);
    CATCH_CHECK(judgement.figures_hold == judgement.reason.starts_with("weak evidence"));
    return judgement.reason;
  };
  using Catch::Matchers::ContainsSubstring;
  CATCH_CHECK_THAT(reason(Scores({0.1F}, {-0.1F}), kUsual), ContainsSubstring("weak evidence"));
  CATCH_CHECK_THAT(reason(Scores({4}, {4}), {{"face_share", 0}}), ContainsSubstring("no face"));
  CATCH_CHECK_THAT(reason(Scores({}, {}), kUsual), ContainsSubstring("every specialist abstains"));
  CATCH_CHECK_THAT(reason(Scores({4}, {4}), {{"brightness", 0.05}}),
                   ContainsSubstring("quality: brightness is 0.05, calibrated on 0.2 to 0.6"));
  CATCH_CHECK_THAT(reason(Scores({4}, {4}), {{"height", 1280}}), ContainsSubstring("quality: height is 1280"));
}

CATCH_TEST_CASE("one that abstains counts as one that is not there") {
  const VideoJudgement alone = JudgeScores(Sample(), Scores({1}, {}), kUsual);
  const VideoJudgement both = JudgeScores(Sample(), Scores({1}, {1}), kUsual);
  CATCH_CHECK(alone.specialists[1].log_ratio == 0);
  CATCH_CHECK(alone.log_ratio < both.log_ratio);
  CATCH_CHECK(alone.log_ratio > 0.5);
}

CATCH_TEST_CASE("moments that disagree make the interval wide; the same clip always has the same one") {
  const VideoJudgement steady = JudgeScores(Sample(), Scores({1, 1, 1, 1}, {}), kUsual);
  const VideoJudgement mixed = JudgeScores(Sample(), Scores({-3, 5, -1, 3}, {}), kUsual);
  CATCH_CHECK(steady.log_ratio == Approx(mixed.log_ratio));
  CATCH_CHECK(steady.high - steady.low < 1e-9);
  CATCH_CHECK(mixed.low < mixed.log_ratio - 0.5);
  CATCH_CHECK(mixed.high > mixed.log_ratio + 0.5);
  CATCH_CHECK(JudgeScores(Sample(), Scores({-3, 5, -1, 3}, {}), kUsual).low == mixed.low);
}

CATCH_TEST_CASE("what lies outside of the calibration clips is warned of, and synthetic training always") {
  const VideoJudgement odd =
      JudgeScores(Sample(), Scores({4}, {4}), {{"brightness", 0.4}, {"duration_s", 600}});
  CATCH_CHECK(odd.verdict == Verdict::kFake);
  CATCH_CHECK(odd.warnings ==
              std::vector<std::string>{
                  "outside of what was calibrated on: duration_s is 600, calibrated on 1 to 20"});
  Bundle synthetic = Sample();
  synthetic.trained_on = "synthetic";
  CATCH_CHECK(JudgeScores(synthetic, Scores({4}, {4}), kUsual).warnings.size() == 1);
}

CATCH_TEST_CASE("without calibration nothing is decided") {
  Bundle bundle = Sample();
  bundle.fusion.decision.reset();
  const VideoJudgement judgement = JudgeScores(bundle, Scores({9}, {9}), kUsual);
  CATCH_CHECK(judgement.verdict == Verdict::kInconclusive);
  CATCH_CHECK_THAT(judgement.reason, Catch::Matchers::ContainsSubstring("not calibrated"));
}

}  // namespace
}  // namespace interceptor::worker
