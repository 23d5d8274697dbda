#include "worker/sampling/schedule.h"

#include <limits>
#include <numeric>

#include "tests/support/catch.h"
#include "worker/sampling/curriculum.h"
#include "worker/sampling/cursor.h"

namespace interceptor::worker {
namespace {

constexpr float kUnknown = std::numeric_limits<float>::quiet_NaN();

CATCH_TEST_CASE("the cursor walks every batch of every epoch once and then enters the next chunk") {
  const ChunkSteps steps = LimitSteps({3, 2, 4}, 0);
  CATCH_CHECK(steps.Total() == 9);
  Cursor cursor{.chunk = 2, .seed = 9};
  for (int64_t step = 0; step < 9; ++step) {
    CATCH_CHECK(cursor.chunk == 2);
    CATCH_CHECK(StepInChunk(cursor, steps) == step);
    cursor = Advance(cursor, steps);
  }
  CATCH_CHECK(cursor == Cursor{.chunk = 3, .epoch = 0, .position = 0, .seed = 9});
}

CATCH_TEST_CASE("a step limit cuts the tail and leaves no empty epoch") {
  CATCH_CHECK(LimitSteps({3, 2, 4}, 4).epoch_batches == std::vector<int64_t>{3, 1});
  CATCH_CHECK(LimitSteps({3, 2, 4}, 5).epoch_batches == std::vector<int64_t>{3, 2});
  CATCH_CHECK(LimitSteps({3, 2, 4}, 100).epoch_batches == std::vector<int64_t>{3, 2, 4});
}

CATCH_TEST_CASE("plan progress runs from 0 to 1 without a jump at chunk boundaries") {
  CATCH_CHECK(PlanProgress({.chunk = 0, .chunks = 10, .step = 0, .steps = 7}) == 0.0);
  CATCH_CHECK(PlanProgress({.chunk = 4, .chunks = 10, .step = 7, .steps = 7}) ==
              PlanProgress({.chunk = 5, .chunks = 10, .step = 0, .steps = 3}));
  CATCH_CHECK(PlanProgress({.chunk = 9, .chunks = 10, .step = 7, .steps = 7}) == 1.0);
}

CATCH_TEST_CASE("the rounding grid is counted from the chunk's start and holds its last step") {
  CATCH_CHECK_FALSE(OnRoundingGrid(127, 300, 128));
  CATCH_CHECK(OnRoundingGrid(128, 300, 128));
  CATCH_CHECK(OnRoundingGrid(256, 300, 128));
  CATCH_CHECK(OnRoundingGrid(300, 300, 128));
}

CATCH_TEST_CASE("the learning rate falls from the peak to the floor and anneals to the final value") {
  const Recipe recipe;
  CATCH_CHECK(LearningRate(recipe, 0.0) == Approx(recipe.learning_rate));
  CATCH_CHECK(LearningRate(recipe, 0.45) == Approx(recipe.learning_rate * 0.55));
  CATCH_CHECK(LearningRate(recipe, 0.9 - 1e-9) == Approx(recipe.learning_rate * 0.1));
  CATCH_CHECK(LearningRate(recipe, 0.95) == Approx(recipe.learning_rate * 0.055));
  CATCH_CHECK(LearningRate(recipe, 1.0) == Approx(recipe.learning_rate * 0.01));
  for (double p = 0; p < 1; p += 0.01) CATCH_CHECK(LearningRate(recipe, p + 0.01) <= LearningRate(recipe, p));
}

CATCH_TEST_CASE("a group warms up by its own steps") {
  CATCH_CHECK(Warmup(0, 200) == Approx(1.0 / 200));
  CATCH_CHECK(Warmup(199, 200) == 1.0);
  CATCH_CHECK(Warmup(5000, 200) == 1.0);
  CATCH_CHECK(Warmup(0, 0) == 1.0);
}

CATCH_TEST_CASE("replay grows with the chunks behind and is full in the annealing tail") {
  const Recipe recipe;
  CATCH_CHECK(ReplayShare(recipe, 0, 0.0) == 0.0);
  CATCH_CHECK(ReplayShare(recipe, 1, 0.1) == Approx(1.0 / 3));
  CATCH_CHECK(ReplayShare(recipe, 2, 0.2) == 0.5);
  CATCH_CHECK(ReplayShare(recipe, 9, 0.95) == recipe.replay_share_max);
}

CATCH_TEST_CASE("stages hold until their progress is reached") {
  Recipe recipe;
  recipe.stages = {{.until_progress = 0.3, .input_pixels = 160}, {.until_progress = 1, .input_pixels = 224}};
  CATCH_CHECK(StageAt(recipe, 0.0).input_pixels == 160);
  CATCH_CHECK(StageAt(recipe, 0.299).input_pixels == 160);
  CATCH_CHECK(StageAt(recipe, 0.3).input_pixels == 224);
  CATCH_CHECK(StageAt(recipe, 1.0).input_pixels == 224);
}

CATCH_TEST_CASE("easy clips come first and the order inside both parts stays") {
  const std::vector<uint32_t> order = {3, 1, 0, 2};
  const std::vector<float> losses = {0.1f, 0.9f, 0.2f, 0.8f};
  CATCH_CHECK(EasiestFirst(order, losses, 0.5) == std::vector<uint32_t>{0, 2, 3, 1});
  CATCH_CHECK(EasiestFirst(order, losses, 1.0) == order);
  CATCH_CHECK(EasiestFirst(order, {}, 0.5) == order);
}

CATCH_TEST_CASE("loss weights stay in their bounds and never favour the most suspect clips") {
  std::vector<float> losses(100);
  std::iota(losses.begin(), losses.end(), 0.0f);
  losses[3] = kUnknown;
  const std::vector<float> weights = LossWeights(losses);
  for (const float weight : weights) {
    CATCH_CHECK(weight >= kLossWeightMin);
    CATCH_CHECK(weight <= kLossWeightMax);
  }
  CATCH_CHECK(weights[3] == 1.0f);
  CATCH_CHECK(weights[90] > weights[10]);
  for (size_t i = 95; i < 100; ++i) CATCH_CHECK(weights[i] <= 1.0f);
}

}  // namespace
}  // namespace interceptor::worker
