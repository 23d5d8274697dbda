#include "worker/sampling/schedule.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "common/base/check.h"

namespace interceptor::worker {

double LearningRate(const Recipe& recipe, double progress) {
  const double anneal_start = 1.0 - recipe.anneal_share;
  const double floor = recipe.learning_rate_floor;
  if (progress < anneal_start) {
    const double cosine = 0.5 * (1.0 + std::cos(std::numbers::pi * progress / anneal_start));
    return recipe.learning_rate * (floor + (1.0 - floor) * cosine);
  }
  if (recipe.anneal_share <= 0) return recipe.learning_rate * floor;
  const double tail = std::min(1.0, (progress - anneal_start) / recipe.anneal_share);
  return recipe.learning_rate * (floor + (recipe.final_learning_rate - floor) * tail);
}

double Warmup(int64_t group_steps, int warmup_steps) {
  if (warmup_steps <= 0) return 1.0;
  return std::min(1.0, static_cast<double>(group_steps + 1) / warmup_steps);
}

double ReplayShare(const Recipe& recipe, int chunk, double progress) {
  if (chunk == 0) return 0.0;
  if (progress >= 1.0 - recipe.anneal_share) return recipe.replay_share_max;
  return std::min(recipe.replay_share_max, static_cast<double>(chunk) / (chunk + 2));
}

const CurriculumStage& StageAt(const Recipe& recipe, double progress) {
  ICPT_CHECK(!recipe.stages.empty()) << "a recipe without stages";
  for (const CurriculumStage& stage : recipe.stages) {
    if (progress < stage.until_progress) return stage;
  }
  return recipe.stages.back();
}

}  // namespace interceptor::worker
