// Saves in the background: the training loop copies its state into a buffer that was allocated once, and a
// writer thread does file, sync and digest while training goes on. One save at a time; one owner thread. The
// end of a Saver waits for a save under way.
#pragma once

#include <future>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/base/digest.h"
#include "common/base/task_thread.h"
#include "common/io/file_system.h"
#include "worker/child_protocol/messages.h"
#include "worker/engine/checkpoint.h"

namespace interceptor::worker {

struct SaveJob {
  std::string path;
  CheckpointInfo info;
  std::vector<float> losses;
  SaveReason reason = SaveReason::kSaveNow;  // of one to be published
  double stall_ms = 0;                       // how long the loop stood still for the capture
};

struct SavedFile {
  absl::Status status;
  SaveJob job;
  Digest digest;
  double write_seconds = 0;
};

// Of one that was written to be published.
CheckpointEvent ToEvent(const SavedFile& saved);

class Saver {
 public:
  // The buffer's moments are bf16 for published checkpoints, fp32 for recovery snapshots.
  Saver(const FileSystem& files, const Architecture& architecture, bool bf16_moments)
      : files_(files), architecture_(architecture), buffer_(MakeHostState(architecture, bf16_moments)) {}

  // True from Start until Poll or Wait has handed the result over; the buffer is then the writer's.
  bool busy() const { return writing_.valid(); }
  // Where the state to be saved is copied. Only while not busy.
  HostState& buffer();
  // Hands buffer and job to the writer. Only while not busy.
  void Start(SaveJob job);
  // The save that has just ended, if any; never waits.
  std::optional<SavedFile> Poll();
  // The same, waited for; nothing when no save was started.
  std::optional<SavedFile> Wait();

 private:
  SavedFile Write(SaveJob job) const;

  const FileSystem& files_;
  const Architecture architecture_;
  HostState buffer_;
  std::future<SavedFile> writing_;
  TaskThread writer_;  // the first member to go, which waits for a save under way
};

}  // namespace interceptor::worker
