// How many steps a chunk takes, from the numbers of its clips alone. Pure.
#pragma once

#include <cstdint>

#include "worker/sampling/cursor.h"
#include "worker/sampling/recipe.h"

namespace interceptor::worker {

struct ChunkClips {
  int chunk = 0;   // index in the plan's order
  int chunks = 1;  // in the plan
  // To train on.
  int64_t reals = 0;
  int64_t fakes = 0;
  bool has_replay = false;
  double boost_share = 0;  // of all positions (sampler.h)
};

// Fixed for an epoch, and known before the chunk's number of steps is.
double EpochReplayShare(const Recipe& recipe, const ChunkClips& clips, int epoch);
ChunkSteps PlanChunkSteps(const Recipe& recipe, const ChunkClips& clips);

}  // namespace interceptor::worker
