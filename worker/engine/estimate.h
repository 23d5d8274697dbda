// How long training will take on this box's device. Speed is measured: the plan's own network with its front
// end takes some steps of each curriculum stage on made-up input of the right shapes. It is scaled to the
// steps and the scoring that the trainer would do (worker/sampling/chunk_steps.h).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/io/file_system.h"
#include "worker/engine/learner.h"
#include "worker/sampling/recipe.h"

namespace interceptor::worker {

// Clips of one chunk.
struct ClipCounts {
  // To train on.
  int64_t reals = 0;
  int64_t fakes = 0;
  int64_t held_out_reals = 0;
  int64_t held_out_fakes = 0;
};

// Of each chunk of the settings: as its manifest in the store says, else `clips` of them, shared out as the
// plan expects, or with 0 the mean of those with a manifest. NOT_FOUND when `clips` is 0 and no chunk has one.
absl::StatusOr<std::vector<ClipCounts>> CountClips(const FileSystem& files, const std::string& store,
                                                   const RunSettings& settings, int64_t clips);

// Seconds.
struct TrainingSpeed {
  std::vector<double> step;  // by stage of the recipe
  double scored_clip = 0;
  EngineFacts facts = {};  // of the device that was measured
};

// The median of `steps` steps of each stage, after one to warm up. Errors as Learner::Create.
absl::StatusOr<TrainingSpeed> MeasureSpeed(const RunSettings& settings, const LearnerOptions& options,
                                           int steps);

struct ChunkEstimate {
  std::string chunk;
  int64_t steps = 0;
  double training_seconds = 0;
  double scoring_seconds = 0;  // look-ahead, validations and held-out
};

// REQUIRES: `clips` has an entry for each chunk of the settings, `speed` one for each stage.
std::vector<ChunkEstimate> EstimateRun(const RunSettings& settings, const std::vector<ClipCounts>& clips,
                                       const TrainingSpeed& speed);

// A line for each chunk and their sum, for people; hours.
std::string RenderEstimate(const std::vector<ChunkEstimate>& chunks);
// "0.113 s a step in stage 1 (160 pixels, 9 stages trained), ..., 0.05 s a scored clip".
std::string RenderSpeed(const RunSettings& settings, const TrainingSpeed& speed);

}  // namespace interceptor::worker
