// What people see, computed from the state: plain values the service converts. Pure; called by the loop
// when it publishes a snapshot, which is immutable from then on.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "common/base/clock.h"
#include "coordinator/core/state.h"

namespace interceptor::coordinator {

// Numbered as on the wire.
enum class TaskState { kWaiting = 1, kRunning, kPaused, kDone };

struct TaskView {
  std::string task;
  std::string home_member;
  std::string holder_member;  // empty: nobody
  std::string holder_box;
  int64_t term = 0;
  TaskState state = TaskState::kWaiting;
  std::string reason;
  int failures = 0;  // since the last checkpoint or chunk
  int chunks_finished = 0;
  int chunks_total = 0;
  std::optional<Progress> progress;
  absl::Duration since_progress;  // infinite: none since the coordinator started
  absl::Duration lease_left;      // zero: no live lease
  std::optional<CheckpointFacts> newest_checkpoint;
  std::optional<Evaluation> newest_held_out;
  std::optional<Evaluation> newest_validation;
  bool checkpoint_overdue = false;
};

struct WorkerView {
  std::string member;
  std::string box;  // empty: never seen
  std::string incarnation;
  Device device;
  bool connected = false;
  bool draining = false;
  absl::Duration since_seen;  // since the coordinator's start when not seen since
  Inventory chunks;
  std::vector<std::string> tasks;
};

// Of a member's copy that is not taken.
struct ChunkProblem {
  std::string member;
  std::string text;
  bool needs_action = false;
};

struct ChunkView {
  std::string chunk;
  std::string sha256;
  int64_t size_bytes = 0;
  std::optional<DataManifest> manifest;
  std::vector<std::string> members;
  std::vector<std::string> differing_members;
  std::vector<std::string> finished_by;
  std::vector<ChunkProblem> problems;
};

struct StatusView {
  std::string plan_name;
  std::string plan_digest;
  std::vector<std::string> problems;  // worst first; empty: healthy
  bool paused = false;
  bool done = false;
  std::vector<TaskView> tasks;               // in the plan's order, "integrate" last
  std::vector<WorkerView> workers;           // in the plan's order
  std::vector<ChunkView> chunks;             // in the plan's order
  std::vector<CheckpointFacts> checkpoints;  // by specialist in the plan's order, newest first
  std::vector<Evaluation> evaluations;       // by specialist, chunk, kind
  int64_t events = 0;
  int64_t incarnation = 0;
  int64_t vault_bytes = 0;
  int64_t disk_free_bytes = 0;  // -1: not measured yet
  int quarantined = 0;
  int rounds_finished = 0;
  int chunks_total = 0;
  absl::Time started_at;
};

StatusView BuildStatus(const State& state, MonotonicTime now);

}  // namespace interceptor::coordinator
