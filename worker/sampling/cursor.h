// Arithmetic on the cursor: how many steps a chunk has, where the next one is, how far the plan has come.
// Pure.
#pragma once

#include <cstdint>
#include <vector>

#include "worker/sampling/types.h"

namespace interceptor::worker {

// The steps of one chunk: batches of each epoch, after the plan's limit has cut the tail off. Every epoch
// listed has at least one batch.
struct ChunkSteps {
  std::vector<int64_t> epoch_batches;

  int64_t Total() const;
};

// `epoch_batches` cut to at most `steps_max` steps in all; 0: no limit.
ChunkSteps LimitSteps(std::vector<int64_t> epoch_batches, int64_t steps_max);

// Steps of this chunk done before `cursor`.
int64_t StepInChunk(const Cursor& cursor, const ChunkSteps& steps);

// The cursor after one more batch: the next position, epoch, or the next chunk's start.
Cursor Advance(const Cursor& cursor, const ChunkSteps& steps);

struct ChunkFraction {
  int chunk = 0;   // index in the plan's order
  int chunks = 1;  // in the plan
  int64_t step = 0;
  int64_t steps = 1;  // of this chunk
};

// Plan progress p in [0, 1]: (chunk + step / steps) / chunks. Every schedule is a function of it.
double PlanProgress(const ChunkFraction& at);

// True on the grid where moments are rounded and captures may fall: every `period` steps counted from the
// chunk's start, and its last step. `steps_done` counts the step just taken.
bool OnRoundingGrid(int64_t steps_done, int64_t chunk_steps, int period);

}  // namespace interceptor::worker
