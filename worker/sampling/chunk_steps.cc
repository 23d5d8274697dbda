#include "worker/sampling/chunk_steps.h"

#include <utility>
#include <vector>

#include "worker/sampling/sampler.h"
#include "worker/sampling/schedule.h"

namespace interceptor::worker {

double EpochReplayShare(const Recipe& recipe, const ChunkClips& clips, int epoch) {
  if (!clips.has_replay) return 0;
  const double progress = PlanProgress(
      {.chunk = clips.chunk, .chunks = clips.chunks, .step = epoch, .steps = recipe.epochs_per_chunk});
  return ReplayShare(recipe, clips.chunk, progress);
}

ChunkSteps PlanChunkSteps(const Recipe& recipe, const ChunkClips& clips) {
  std::vector<int64_t> batches;
  for (int epoch = 0; epoch < recipe.epochs_per_chunk; ++epoch) {
    const ExtraShares shares = ShareExtra(EpochReplayShare(recipe, clips, epoch), clips.boost_share);
    batches.push_back(BatchesPerEpoch(clips.reals, clips.fakes, recipe.batch_size, shares.all));
  }
  return LimitSteps(std::move(batches), recipe.steps_per_chunk_max);
}

}  // namespace interceptor::worker
