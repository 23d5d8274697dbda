// Where a run begins: which weights, which cursor, which folder. Used by the trainer at its start.
#pragma once

#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "common/io/file_system.h"
#include "worker/engine/checkpoint.h"
#include "worker/sampling/recipe.h"
#include "worker/sampling/types.h"

namespace interceptor::worker {

struct TrainerOptions {
  RunSettings settings;
  SpecialistName specialist = SpecialistName::kBG;
  std::string store;   // folder of clip stores
  std::string run;     // this run's folder
  std::string data;    // what settings.model.initial_weights.file is relative to
  std::string resume;  // a checkpoint; empty: from the start
  std::string device = "cpu";
  int threads = 1;
};

struct StartingPoint {
  std::string weights;  // "scratch", "initial", "checkpoint" or "snapshot"
  std::string digest;   // of the file it starts from; empty from scratch
  // Only its info is set when weights is "scratch" or "initial".
  Checkpoint checkpoint;
  int64_t snapshot_number = -1;  // of the slot it came from
};

// The checkpoint to resume from, or a beginning.
absl::StatusOr<StartingPoint> FindStart(const FileSystem& files, const TrainerOptions& options);
// The recovery snapshot that goes furthest beyond `start` within its chunk, if any. Snapshots are
// full-precision saves on the worker's own disk in two slots, written in turn, so that a crash while one is
// written leaves the other; they are never published. One is used only if it descends from the checkpoint
// that the run resumes from; without one any of the same plan, seed and specialist is. One from a later chunk
// is passed over, because the checkpoint and the scores of this chunk's end must be made first. Damaged and
// foreign ones are deleted with a log line.
absl::StatusOr<std::optional<StartingPoint>> FindSnapshot(const FileSystem& files,
                                                          const TrainerOptions& options,
                                                          const StartingPoint& start);

// Puts it into the learner, whose weights are freshly drawn.
absl::Status LoadStart(const FileSystem& files, const TrainerOptions& options, const StartingPoint& start,
                       Learner& learner);

// A resume is exact for the same build, compute threads and CPU capability; under others it proceeds and says
// so.
void WarnIfMachineDiffers(const EngineFacts& before, const EngineFacts& now, const std::string& weights);

}  // namespace interceptor::worker
