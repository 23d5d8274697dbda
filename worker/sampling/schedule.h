// What changes with plan progress p in [0, 1]: learning rate, replay share, curriculum stage. Pure functions
// of the recipe and p, so that a resumed run continues on the same curve.
#pragma once

#include <cstdint>

#include "worker/sampling/recipe.h"

namespace interceptor::worker {

// One cosine over the whole plan from the peak to learning_rate_floor x peak at p = 1 - anneal_share, then a
// straight line to final_learning_rate x peak at p = 1. A cosine down to zero would leave the last chunks
// untrained (learning.md, "Learning rate"). Without warm-up.
double LearningRate(const Recipe& recipe, double progress);

// Linear warm-up of one parameter group by its own count of steps taken: in (0, 1].
double Warmup(int64_t group_steps, int warmup_steps);

// A group unfrozen in mid-plan warms up over this many steps at most.
inline constexpr int kUnfrozenWarmupSteps = 200;

// Share of batch positions that replays earlier chunks: min(replay_share_max, c / (c + 2)) for chunk c; in
// the annealing tail replay_share_max, so that the last steps see all chunks alike. 0 for the first chunk.
double ReplayShare(const Recipe& recipe, int chunk, double progress);

// The stage in force at p: the first whose until_progress lies above it, else the last.
const CurriculumStage& StageAt(const Recipe& recipe, double progress);

}  // namespace interceptor::worker
