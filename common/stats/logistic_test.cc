#include "common/stats/logistic.h"

#include <cmath>
#include <limits>

#include "common/base/random.h"
#include "common/stats/calibration.h"
#include "tests/support/catch.h"

namespace interceptor {
namespace {

// True log-likelihood ratios are 2 x the first score; the second sees the same with noise, the third nothing.
std::vector<LabelledScores> Draw(int clips, double fake_share) {
  const RandomKey key = MakeRandomKey(7, "logistic test");
  std::vector<LabelledScores> drawn;
  for (int i = 0; i < clips; ++i) {
    const bool fake = RandomUniform(key, 4 * i) < fake_share;
    const double first = RandomNormal(key, 4 * i + 1) + (fake ? 1 : -1);
    drawn.push_back({{first, first + RandomNormal(key, 4 * i + 2), RandomNormal(key, 4 * i + 3)}, fake});
  }
  return drawn;
}

std::vector<LabelledScores> Column(const std::vector<LabelledScores>& clips, size_t column) {
  std::vector<LabelledScores> out;
  for (const LabelledScores& clip : clips) out.push_back({{clip.scores[column]}, clip.fake});
  return out;
}

LogisticFit Fit(const std::vector<LabelledScores>& clips, double pull = 0) {
  const auto fit = FitLogistic(clips, pull);
  CATCH_INFO(fit.status().ToString());
  CATCH_REQUIRE(fit.ok());
  return *fit;
}

CATCH_TEST_CASE("one score becomes the log-likelihood ratio that it is, whatever the share of fakes") {
  for (const double share : {0.5, 0.1}) {
    const LogisticFit fit = Fit(Column(Draw(40000, share), 0));
    CATCH_CHECK(std::abs(fit.weights[0] - 2) < 0.1);
    CATCH_CHECK(std::abs(fit.bias) < 0.1);
  }
}

CATCH_TEST_CASE("scale and origin of a score do not matter") {
  std::vector<LabelledScores> clips = Column(Draw(500, 0.3), 0);
  const LogisticFit fit = Fit(clips);
  for (LabelledScores& clip : clips) clip.scores[0] = 1e-3 * clip.scores[0] + 50;
  const LogisticFit other = Fit(clips);
  CATCH_CHECK(std::abs(other.weights[0] * 1e-3 / fit.weights[0] - 1) < 1e-6);
  CATCH_CHECK(std::abs(other.bias + 50 * other.weights[0] - fit.bias) < 1e-6);
}

CATCH_TEST_CASE("scores that order the classes the wrong way get weight 0 and say nothing") {
  std::vector<LabelledScores> clips = Column(Draw(1000, 0.5), 0);
  for (LabelledScores& clip : clips) clip.scores[0] = -clip.scores[0];
  CATCH_CHECK(Fit(clips).weights[0] == 0);
  CATCH_CHECK(std::abs(Fit(clips).bias) < 0.01);
}

CATCH_TEST_CASE("classes that scores separate give a finite ratio, as large as the targets say") {
  const LogisticFit fit = Fit({{{-1}, false}, {{-1}, false}, {{1}, true}, {{1}, true}});
  // Two of each: t+ = 3/4, t- = 1/4.
  CATCH_CHECK(std::abs(fit.weights[0] - std::log(3.0)) < 1e-9);
  CATCH_CHECK(std::abs(fit.bias) < 1e-9);
}

CATCH_TEST_CASE(
    "of several scores the one that knows weighs most, the one that knows nothing next to nothing") {
  const std::vector<LabelledScores> clips = Draw(20000, 0.4);
  const LogisticFit fit = Fit(clips);
  CATCH_CHECK(std::abs(fit.weights[0] - 2) < 0.1);
  CATCH_CHECK(fit.weights[1] < 0.1);
  CATCH_CHECK(fit.weights[2] < 0.05);
  // The pull draws them together, each in its own deviations.
  const LogisticFit pulled = Fit(clips, 1000);
  CATCH_CHECK(std::abs(pulled.weights[0] / pulled.weights[1] - std::sqrt(3.0 / 2)) < 0.05);
  CATCH_CHECK(pulled.weights[2] > pulled.weights[1]);
}

CATCH_TEST_CASE("a score that never varies weighs nothing; copies share") {
  std::vector<LabelledScores> clips = Column(Draw(300, 0.5), 0);
  const LogisticFit alone = Fit(clips);
  for (LabelledScores& clip : clips) clip.scores = {0.1, clip.scores[0], clip.scores[0]};
  const LogisticFit copies = Fit(clips, 0.01);
  CATCH_CHECK(copies.weights[0] == 0);
  CATCH_CHECK(std::abs(copies.weights[1] - copies.weights[2]) < 1e-9);
  CATCH_CHECK(std::abs(copies.weights[1] + copies.weights[2] - alone.weights[0]) < 1e-8);
  for (LabelledScores& clip : clips) clip.scores = {5};
  CATCH_CHECK(Fit(clips).weights[0] == 0);
}

LogisticFit FitTowards(const LogisticFit& prior, const std::vector<LabelledScores>& clips, double pull) {
  const auto fit = FitLogisticTowards(prior, clips, pull);
  CATCH_INFO(fit.status().ToString());
  CATCH_REQUIRE(fit.ok());
  return *fit;
}

CATCH_TEST_CASE("a fit is drawn from what the clips say to what is known, bias and all, and never below 0") {
  const std::vector<LabelledScores> clips = Draw(3000, 0.4);
  const LogisticFit prior{.weights = {0.5, 1, 1.5}, .bias = -0.75};
  const LogisticFit free = Fit(clips);
  LogisticFit fit = FitTowards(prior, clips, 1e-9);
  for (size_t j = 0; j < 3; ++j) CATCH_CHECK(std::abs(fit.weights[j] - free.weights[j]) < 1e-6);
  CATCH_CHECK(std::abs(fit.bias - free.bias) < 1e-6);
  fit = FitTowards(prior, clips, 1e6);
  for (size_t j = 0; j < 3; ++j) CATCH_CHECK(std::abs(fit.weights[j] - prior.weights[j]) < 1e-5);
  CATCH_CHECK(std::abs(fit.bias - prior.bias) < 1e-5);
  const LogisticFit between = FitTowards(prior, clips, 0.05);
  CATCH_CHECK(between.weights[0] > 0.6);
  CATCH_CHECK(between.weights[0] < free.weights[0] - 0.1);

  std::vector<LabelledScores> wrong_way = Column(clips, 0);
  for (LabelledScores& clip : wrong_way) clip.scores[0] = -clip.scores[0];
  CATCH_CHECK(FitTowards({.weights = {1}, .bias = 0}, wrong_way, 0.01).weights[0] == 0);
}

CATCH_TEST_CASE("what never varies stays where the prior has it") {
  const LogisticFit fit = FitTowards({.weights = {1, 2}, .bias = 0}, {{{0, 1}, true}, {{0, -1}, false}}, 0.1);
  CATCH_CHECK(fit.weights[0] == 1);
  CATCH_CHECK(fit.weights[1] < 2);
}

CATCH_TEST_CASE("what cannot be fitted is an error") {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  for (const auto& clips : std::vector<std::vector<LabelledScores>>{{},
                                                                    {{{1}, true}},
                                                                    {{{1}, true}, {{nan}, false}},
                                                                    {{{1}, true}, {{1, 2}, false}},
                                                                    {{{}, true}, {{}, false}}}) {
    CATCH_CHECK(absl::IsInvalidArgument(FitLogistic(clips, 0).status()));
  }
  const std::vector<LabelledScores> two = {{{1}, true}, {{0}, false}};
  CATCH_CHECK(absl::IsInvalidArgument(FitLogistic(two, -1).status()));
  CATCH_CHECK(absl::IsInvalidArgument(FitLogisticTowards({.weights = {1}}, two, 0).status()));
  CATCH_CHECK(absl::IsInvalidArgument(FitLogisticTowards({.weights = {1, 1}}, two, 1).status()));
  CATCH_CHECK(absl::IsInvalidArgument(FitLogisticTowards({.weights = {-1}}, two, 1).status()));
  CATCH_CHECK(absl::IsInvalidArgument(FitLogisticTowards({.weights = {1}, .bias = nan}, two, 1).status()));
}

}  // namespace
}  // namespace interceptor
