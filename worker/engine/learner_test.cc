// The learner through its wall of plain values: what a step does, what is captured, what is refused.
#include "worker/engine/learner.h"

#include <algorithm>
#include <cstring>
#include <limits>

#include "common/base/status.h"
#include "tests/support/catch.h"
#include "tests/support/colour_batch.h"
#include "tests/support/random_batch.h"
#include "worker/models/specialist.h"
#include "worker/store/sample_views.h"

namespace interceptor::worker {
namespace {

LearnerOptions TinyOptions() {
  LearnerOptions options;
  options.model.width_scale = 0.1;
  options.model.depth_scale = 0.1;
  options.model.input_pixels = 32;
  options.recipe.learning_rate = 3e-3;
  options.recipe.warmup_steps = 0;
  options.recipe.dropout = 0;
  options.recipe.stochastic_depth = 0;
  return options;
}

std::unique_ptr<Learner> MakeLearner(const LearnerOptions& options) {
  absl::StatusOr<std::unique_ptr<Learner>> learner = Learner::Create(options);
  CATCH_REQUIRE(learner.ok());
  return *std::move(learner);
}

HostState StateOf(Learner& learner) {
  HostState state = MakeHostState(learner.architecture(), false);
  CATCH_REQUIRE(learner.CaptureAll(state).ok());
  return state;
}

StepInput InputOf(const FrameBatch& batch, const CurriculumStage& stage, int64_t step) {
  return {.batch = &batch, .weights = {}, .stage = &stage, .learning_rate = 3e-3, .step = step};
}

CATCH_TEST_CASE("a tiny network learns, and a step is a function of state and input") {
  const FrameBatch batch = ColourBatch(8, 32);
  const CurriculumStage stage = {.input_pixels = 32};
  const auto learner = MakeLearner(TinyOptions());
  const auto twin = MakeLearner(TinyOptions());
  double first = 0;
  double last = 0;
  for (int64_t step = 0; step < 25; ++step) {
    const auto result = learner->Step(InputOf(batch, stage, step));
    CATCH_REQUIRE(result.ok());
    CATCH_REQUIRE(twin->Step(InputOf(batch, stage, step)).ok());
    if (step == 0) first = result->loss;
    last = result->loss;
  }
  CATCH_CHECK(last < 0.5 * first);
  CATCH_CHECK(StateOf(*learner).weights == StateOf(*twin).weights);
  CATCH_CHECK(StateOf(*learner).statistics == StateOf(*twin).statistics);
  const auto scores = learner->Score(batch.input);
  CATCH_REQUIRE(scores.ok());
  CATCH_CHECK(scores->size() == 8);
}

CATCH_TEST_CASE("a scorer of given weights scores as the learner they come from") {
  const LearnerOptions options = TinyOptions();
  const auto learner = MakeLearner(options);
  const FrameBatch batch = ColourBatch(8, 32);
  const CurriculumStage stage = {.input_pixels = 32};
  CATCH_REQUIRE(learner->Step(InputOf(batch, stage, 0)).ok());
  const HostState state = StateOf(*learner);
  const auto scorer = MakeScorer({.model = options.model}, state.weights, state.statistics);
  CATCH_REQUIRE(scorer.ok());
  CATCH_CHECK(*(*scorer)->Score(batch.input) == *learner->Score(batch.input));
  const auto other = MakeScorer({.model = options.model}, state.weights, {});
  CATCH_CHECK(absl::IsInvalidArgument(other.status()));
}

CATCH_TEST_CASE("dropout, stochastic depth and augmentation follow the step's key, not a hidden state") {
  LearnerOptions options = TinyOptions();
  options.recipe.dropout = 0.4;
  options.recipe.stochastic_depth = 0.5;
  options.model.depth_scale = 0.4;
  const FrameBatch batch = ColourBatch(8, 32);
  const CurriculumStage stage = {.input_pixels = 32};
  const auto learner = MakeLearner(options);
  const HostState start = StateOf(*learner);
  const double loss = learner->Step(InputOf(batch, stage, 5))->loss;
  CATCH_REQUIRE(learner->Load(start).ok());
  const double other_step = learner->Step(InputOf(batch, stage, 6))->loss;
  CATCH_REQUIRE(learner->Load(start).ok());
  CATCH_CHECK(learner->Step(InputOf(batch, stage, 5))->loss == loss);
  CATCH_CHECK(other_step != loss);
}

CATCH_TEST_CASE("frozen stages keep their bytes and count no steps") {
  const FrameBatch batch = ColourBatch(4, 32);
  const CurriculumStage head_only = {.input_pixels = 32, .trainable_stages = 0};
  const auto learner = MakeLearner(TinyOptions());
  const HostState before = StateOf(*learner);
  CATCH_REQUIRE(learner->Step(InputOf(batch, head_only, 0)).ok());
  const HostState after = StateOf(*learner);
  const TensorPlace& head = learner->architecture().Parameter("classifier.1.weight");
  CATCH_CHECK(
      std::equal(before.weights.begin(), before.weights.begin() + head.offset, after.weights.begin()));
  CATCH_CHECK(before.statistics == after.statistics);
  CATCH_CHECK(before.weights != after.weights);
  CATCH_CHECK(after.group_steps == std::vector<int64_t>{0, 0, 0, 0, 0, 0, 0, 0, 0, 1});
}

CATCH_TEST_CASE("training from given weights leaves BatchNorm's statistics alone") {
  LearnerOptions options = TinyOptions();
  options.from_given_weights = true;
  const FrameBatch batch = ColourBatch(4, 32);
  const CurriculumStage stage = {.input_pixels = 32};
  const auto learner = MakeLearner(options);
  const HostState before = StateOf(*learner);
  CATCH_REQUIRE(learner->Step(InputOf(batch, stage, 0)).ok());
  CATCH_CHECK(StateOf(*learner).statistics == before.statistics);
}

CATCH_TEST_CASE("where clips are abstained from, the rest of their class weighs for them") {
  const CurriculumStage stage = {.input_pixels = 32, .augmentation_strength = 0};
  const FrameBatch all = ColourBatch(8, 32);
  // BatchNorm would mix the samples, so it goes by the statistics of some steps before.
  const auto before = MakeLearner(TinyOptions());
  for (int64_t step = 0; step < 40; ++step) CATCH_REQUIRE(before->Step(InputOf(all, stage, step)).ok());
  LearnerOptions options = TinyOptions();
  options.from_given_weights = true;
  const auto learner = MakeLearner(options);
  CATCH_REQUIRE(learner->Load(StateOf(*before)).ok());
  // A step of the samples at `places` that learns nothing.
  const auto step_on = [&](const std::vector<size_t>& places, std::vector<uint8_t> usable) {
    FrameBatch batch;
    batch.input = SelectSamples(all.input, places);
    batch.input.usable = std::move(usable);
    for (const size_t place : places) {
      batch.is_fake.push_back(all.is_fake[place]);
      batch.samples.push_back(all.samples[place]);
    }
    StepInput input = InputOf(batch, stage, 0);
    input.learning_rate = 0;
    const auto result = learner->Step(input);
    CATCH_REQUIRE(result.ok());
    return *result;
  };
  // Odd places are fakes. Three reals of four are not usable: the fourth counts four times.
  const StepResult abstained = step_on({0, 1, 2, 3, 4, 5, 6, 7}, {1, 1, 0, 1, 0, 1, 0, 1});
  const StepResult repeated = step_on({0, 1, 0, 3, 0, 5, 0, 7}, std::vector<uint8_t>(8, 1));
  CATCH_CHECK(abstained.loss == Approx(repeated.loss).epsilon(1e-5));
  CATCH_CHECK(abstained.gradient_norm == Approx(repeated.gradient_norm).epsilon(1e-3));
  // Of the fakes likewise; what unusable samples show counts nothing.
  const StepResult fakes = step_on({0, 1, 2, 3}, {1, 1, 1, 0});
  CATCH_CHECK(fakes.loss == Approx(step_on({0, 1, 2, 7}, {1, 1, 1, 0}).loss).epsilon(1e-5));
  CATCH_CHECK(fakes.loss == Approx(step_on({0, 1, 2, 1}, {1, 1, 1, 1}).loss).epsilon(1e-5));
}

CATCH_TEST_CASE("canvases keep their size whatever the curriculum's input_pixels; face crops are resized") {
  for (const SpecialistName specialist : kAllSpecialists) {
    CATCH_INFO(ToString(specialist));
    LearnerOptions options = TinyOptions();
    options.specialist = specialist;
    options.model.front_end = "specialist";
    options.model.input_pixels = 64;
    const FrameBatch batch = RandomBatch(4, 64, ViewsOf(specialist, FrontEndMode::kSpecialist));
    const auto loss_at = [&](int pixels) {
      const CurriculumStage stage = {.input_pixels = pixels, .augmentation_strength = 0};
      const auto result = MakeLearner(options)->Step(InputOf(batch, stage, 0));
      CATCH_REQUIRE(result.ok());
      return result->loss;
    };
    const bool is_crop = specialist == SpecialistName::kBG || specialist == SpecialistName::kLL;
    CATCH_CHECK((loss_at(32) == loss_at(64)) != is_crop);
  }
}

CATCH_TEST_CASE("a step that comes out not finite is not taken") {
  const FrameBatch batch = ColourBatch(4, 32);
  const CurriculumStage stage = {.input_pixels = 32};
  const auto learner = MakeLearner(TinyOptions());
  HostState broken = StateOf(*learner);
  const TensorPlace& bias = learner->architecture().Parameter("classifier.1.bias");
  broken.weights[bias.offset] = std::numeric_limits<float>::quiet_NaN();
  CATCH_REQUIRE(learner->Load(broken).ok());
  const auto result = learner->Step(InputOf(batch, stage, 0));
  CATCH_REQUIRE(result.ok());
  CATCH_CHECK_FALSE(result->taken);
  const HostState after = StateOf(*learner);
  CATCH_CHECK(
      std::memcmp(after.weights.data(), broken.weights.data(), after.weights.size() * sizeof(float)) == 0);
  CATCH_CHECK(after.statistics == broken.statistics);
  CATCH_CHECK(after.counters == broken.counters);
  CATCH_CHECK(after.group_steps == broken.group_steps);
}

CATCH_TEST_CASE("rounded moments are exactly what a published file holds") {
  const FrameBatch batch = ColourBatch(4, 32);
  const CurriculumStage stage = {.input_pixels = 32};
  const auto learner = MakeLearner(TinyOptions());
  CATCH_REQUIRE(learner->Step(InputOf(batch, stage, 0)).ok());
  const HostState exact = StateOf(*learner);
  HostState rounded = MakeHostState(learner->architecture(), true);
  CATCH_REQUIRE(learner->RoundMoments(rounded).ok());
  CATCH_REQUIRE(learner->CaptureWeights(rounded).ok());
  const HostState live = StateOf(*learner);
  CATCH_CHECK(live.exp_avg != exact.exp_avg);
  CATCH_CHECK(live.weights == exact.weights);
  const auto restored = MakeLearner(TinyOptions());
  CATCH_REQUIRE(restored->Load(rounded).ok());
  CATCH_CHECK(StateOf(*restored).exp_avg == live.exp_avg);
  CATCH_CHECK(StateOf(*restored).exp_avg_sq == live.exp_avg_sq);
  CATCH_CHECK(StateOf(*restored).group_steps == live.group_steps);
}

CATCH_TEST_CASE("what LibTorch throws comes out of every entry as a status") {
  const auto learner = MakeLearner(TinyOptions());
  const HostState good = StateOf(*learner);
  HostState broken = good;
  broken.exp_avg_sq.pop_back();
  CATCH_CHECK(absl::IsInvalidArgument(learner->Load(broken)));
  CATCH_CHECK(absl::IsInternal(learner->CaptureAll(broken)));
  CATCH_CHECK(absl::IsInternal(learner->RoundMoments(broken)));
  broken.weights.pop_back();
  CATCH_CHECK(absl::IsInternal(learner->CaptureWeights(broken)));
  FrameBatch batch = ColourBatch(4, 32);
  SpecialistInput no_pictures = {.count = 4};
  CATCH_CHECK(absl::IsInternal(learner->Score(no_pictures).status()));
  batch.is_fake.pop_back();
  const CurriculumStage stage = {.input_pixels = 32};
  CATCH_CHECK(absl::IsInternal(learner->Step(InputOf(batch, stage, 0)).status()));
  CATCH_CHECK(StateOf(*learner).weights == good.weights);
}

CATCH_TEST_CASE("a device that is not there is named") {
  LearnerOptions options = TinyOptions();
  options.device = "cuda:57";
  const auto learner = Learner::Create(options);
  CATCH_REQUIRE(learner.status().code() == absl::StatusCode::kNotFound);
  CATCH_CHECK(Message(learner.status()).find("cuda:57") != std::string::npos);
}

}  // namespace
}  // namespace interceptor::worker
