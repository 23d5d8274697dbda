#include "worker/sampling/cursor.h"

#include <algorithm>
#include <numeric>

#include "common/base/check.h"

namespace interceptor::worker {

int64_t ChunkSteps::Total() const {
  return std::accumulate(epoch_batches.begin(), epoch_batches.end(), int64_t{0});
}

ChunkSteps LimitSteps(std::vector<int64_t> epoch_batches, int64_t steps_max) {
  ChunkSteps steps;
  int64_t left = steps_max;
  for (const int64_t batches : epoch_batches) {
    const int64_t kept = steps_max == 0 ? batches : std::min(batches, left);
    if (kept <= 0) break;
    steps.epoch_batches.push_back(kept);
    left -= kept;
  }
  return steps;
}

int64_t StepInChunk(const Cursor& cursor, const ChunkSteps& steps) {
  const auto epochs = static_cast<int64_t>(steps.epoch_batches.size());
  ICPT_CHECK(cursor.epoch <= epochs) << "epoch " << cursor.epoch << " of " << epochs;
  int64_t done = cursor.position;
  for (int epoch = 0; epoch < cursor.epoch; ++epoch) done += steps.epoch_batches[epoch];
  return done;
}

Cursor Advance(const Cursor& cursor, const ChunkSteps& steps) {
  Cursor next = cursor;
  if (++next.position < steps.epoch_batches.at(cursor.epoch)) return next;
  next.position = 0;
  if (++next.epoch < static_cast<int>(steps.epoch_batches.size())) return next;
  next.epoch = 0;
  ++next.chunk;
  return next;
}

double PlanProgress(const ChunkFraction& at) {
  const double fraction = at.steps > 0 ? static_cast<double>(at.step) / static_cast<double>(at.steps) : 0.0;
  return std::clamp((at.chunk + fraction) / at.chunks, 0.0, 1.0);
}

bool OnRoundingGrid(int64_t steps_done, int64_t chunk_steps, int period) {
  return steps_done % period == 0 || steps_done == chunk_steps;
}

}  // namespace interceptor::worker
