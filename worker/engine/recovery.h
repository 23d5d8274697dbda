// Recovery snapshots: full-precision saves on the worker's own disk in two slots, A and B, written in turn,
// so a crash while one is written leaves the other. They are never published. One is used only if it descends
// from the checkpoint that the run is told to resume from; what does not descend is deleted.
#pragma once

#include <optional>
#include <string>

#include "common/io/file_system.h"
#include "worker/engine/checkpoint.h"

namespace interceptor::worker {

struct SnapshotQuery {
  std::string run_folder;
  SpecialistName specialist = SpecialistName::kBG;
  std::string plan_digest;
  uint64_t seed = 0;
  // Digest of the checkpoint to resume from; empty when the run starts without one: any snapshot of the same
  // plan, seed and specialist then qualifies.
  std::string resume_digest = "";
  // Where that checkpoint stands.
  int chunk = 0;
  int64_t step = 0;
};

struct FoundSnapshot {
  Checkpoint checkpoint;
  std::string path;
  int64_t number = 0;  // of its slot: the next save takes the other one
};

// The snapshot that goes furthest beyond the checkpoint within its chunk. One from a later chunk is passed
// over, because the checkpoint and the scores of this chunk's end must be made first. Damaged and foreign
// ones are deleted with a log line.
std::optional<FoundSnapshot> FindSnapshot(const FileSystem& files, const Architecture& architecture,
                                          const SnapshotQuery& query);

}  // namespace interceptor::worker
