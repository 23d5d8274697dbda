// What the agent and its child processes say to each other (docs/child-protocol.md), as plain values. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "common/base/digest.h"
#include "common/facts/checkpoint.h"
#include "common/facts/evaluation.h"
#include "common/facts/failure.h"
#include "common/facts/task.h"

namespace interceptor::worker {

// --- Events of every child ---
struct HelloEvent {
  static constexpr std::string_view kName = "hello";
  int protocol = 1;
  std::string program;
  int64_t pid = 0;
};
struct FailedEvent {
  static constexpr std::string_view kName = "failed";
  Failure failure = {.code = absl::StatusCode::kUnknown, .text = "", .retryable = true};
};

// --- Events of interceptor-prepare ---
struct PreparerProgressEvent {
  static constexpr std::string_view kName = "progress";
  int64_t done = 0;
  int64_t total = 0;  // 0 while another process makes the same store
  int64_t quarantined = 0;
};
struct QuarantineEvent {
  static constexpr std::string_view kName = "quarantine";
  std::string clip;
  std::string reason;
};
struct GateEvent {
  static constexpr std::string_view kName = "gate";
  int reals = 0;
  int fakes = 0;
  double fake_share = 0;
  double expected_fake_share = 0;
  std::string text;  // what the sampler will do about it
};
struct ManifestEvent {
  static constexpr std::string_view kName = "manifest";
  std::string path;
  Digest blob;
  int64_t clips = 0;
  int64_t families = 0;
  int64_t quarantined = 0;
};

// --- Events of interceptor-train ---
struct StartedEvent {
  static constexpr std::string_view kName = "started";
  std::string specialist;
  int64_t parameters = 0;
  int threads = 0;
  std::string device;
  std::string cpu_capability;
  std::string weights;  // "scratch", "initial", "checkpoint" or "snapshot"
  std::string digest;   // of the file it started from
  int64_t step = 0;
  Cursor cursor;
};
struct ReadyEvent {
  static constexpr std::string_view kName = "ready";
  int next_chunk = 0;
};
struct TrainerProgressEvent {
  static constexpr std::string_view kName = "progress";
  int chunk = 0;  // the one ordered; the cursor may stand at the next one's start
  double learning_rate = 0;
  Progress progress;  // training, evaluating or saving; without task, activity and trouble
};
struct CheckpointEvent {
  static constexpr std::string_view kName = "checkpoint";
  std::string path;
  interceptor::Checkpoint checkpoint;  // without specialist, id and time
  double stall_ms = 0;                 // that training stood still for it
};
struct EvaluationEvent {
  static constexpr std::string_view kName = "evaluation";
  std::string path;       // of the score table
  Evaluation evaluation;  // without specialist and time
};
struct ChunkFinishedEvent {
  static constexpr std::string_view kName = "chunk_finished";
  int chunk = 0;
  int64_t step = 0;
  double training_seconds = 0;
};
struct FinishedEvent {
  static constexpr std::string_view kName = "finished";
};

// --- Events of interceptor-integrate ---
struct IntegratorProgressEvent {
  static constexpr std::string_view kName = "progress";
  int64_t done = 0;  // specialists
  int64_t total = 0;
};
struct JoinedEvent {
  static constexpr std::string_view kName = "joined";
  int64_t specialists = 0;
  int64_t absent = 0;
};

using PreparerEvent =
    std::variant<HelloEvent, PreparerProgressEvent, QuarantineEvent, GateEvent, ManifestEvent, FailedEvent>;
using TrainerEvent = std::variant<HelloEvent, StartedEvent, ReadyEvent, TrainerProgressEvent, CheckpointEvent,
                                  EvaluationEvent, ChunkFinishedEvent, FinishedEvent, FailedEvent>;
using IntegratorEvent = std::variant<HelloEvent, IntegratorProgressEvent, JoinedEvent, FailedEvent>;

// --- Commands ---
// Train this chunk, or make its scores if those alone are pending.
struct ChunkOrder {
  static constexpr std::string_view kName = "train_chunk";
  int chunk = 0;  // index in the plan's order
  std::string name;
  std::string manifest_sha256 = "";  // of the committed manifest; empty: whatever the store holds
  bool last = false;
  std::vector<SamplingWeight> sampling =
      {};  // how the chunk is sampled: what its predecessor's bias asks for
};
struct SaveCommand {
  static constexpr std::string_view kName = "save";
};
// The only one that preparer and integrator take.
struct StopCommand {
  static constexpr std::string_view kName = "stop";
};
using Command = std::variant<ChunkOrder, SaveCommand, StopCommand>;

}  // namespace interceptor::worker
