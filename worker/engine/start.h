// Where a run begins: which weights, which cursor, which folder. Used by the trainer at its start.
#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "common/io/file_system.h"
#include "worker/engine/checkpoint.h"
#include "worker/engine/trainer.h"

namespace interceptor::worker {

struct StartingPoint {
  std::string weights;  // "scratch", "initial", "checkpoint" or "snapshot"
  std::string digest;   // of the file it starts from; empty from scratch
  // Only its info is set when weights is "scratch" or "initial".
  Checkpoint checkpoint;
  int64_t snapshot_number = -1;  // of the slot it came from
};

// Makes the run folder, takes its lock until the returned file closes, and removes what a killed writer left.
// FAILED_PRECONDITION when another trainer holds it.
absl::StatusOr<std::unique_ptr<File>> LockRunFolder(const FileSystem& files, const std::string& run_folder);

// The newest state that the options allow: the checkpoint, or a recovery snapshot of the same chunk that
// descends from it.
enum class Snapshots { kTaken, kLeftAlone };
absl::StatusOr<StartingPoint> FindStart(const FileSystem& files, const TrainerOptions& options,
                                        Snapshots snapshots = Snapshots::kTaken);

// Puts it into the learner, whose weights are freshly drawn.
absl::Status LoadStart(const FileSystem& files, const TrainerOptions& options, const StartingPoint& start,
                       Learner& learner);

// A resume is exact for the same build, compute threads and CPU capability; under others it proceeds and says
// so.
void WarnIfMachineDiffers(const EngineFacts& before, const EngineFacts& now, const std::string& weights);

// <run>/checkpoints/<specialist>-step-<step>.safetensors; names sort by step.
std::string CheckpointPath(const std::string& run_folder, SpecialistName specialist, int64_t step);

}  // namespace interceptor::worker
