// The coordinator's words as plain values. No wire or disk types here: coordinator/service and
// coordinator/journal convert. Wall times are for people; no decision reads them.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/time/time.h"
#include "common/base/digest.h"

namespace interceptor::coordinator {

// Names one worker stream within one run of the coordinator: the runtime counts them from 1. A newer stream
// has a larger number.
using SessionId = int64_t;

// Where in the data a model stands. `chunk` indexes the plan's order.
struct Cursor {
  int chunk = 0;
  int epoch = 0;
  int64_t position = 0;
  uint64_t seed = 0;

  friend bool operator==(const Cursor&, const Cursor&) = default;
};

// "train/BG" or "integrate", and the counter that fences stale holders.
struct TaskRef {
  std::string task;
  int64_t term = 0;

  friend bool operator==(const TaskRef&, const TaskRef&) = default;
};

// Numbers stand in no file; the wire has its own.
enum class Phase {
  kUnknown,
  kWaitingForData,
  kPreparing,
  kWaitingForTurn,
  kTraining,
  kEvaluating,
  kSaving,
  kIntegrating,
};
std::string_view ToString(Phase phase);  // "waiting for data" ...

enum class SaveReason { kSaveNow, kChunkEnd };
std::string_view ToString(SaveReason reason);  // "save_now", "chunk_end"
std::optional<SaveReason> ParseSaveReason(std::string_view text);

struct Checkpoint {
  std::string id;  // "BG-000000001024"; MakeCheckpointId
  std::string specialist;
  Digest blob;
  int64_t step = 0;
  Cursor cursor;
  double training_seconds = 0;
  std::vector<std::string> manifests;  // digests in chunk order
  SaveReason reason = SaveReason::kSaveNow;
  absl::Time committed_at = absl::UnixEpoch();

  friend bool operator==(const Checkpoint&, const Checkpoint&) = default;
};
std::string MakeCheckpointId(std::string_view specialist, int64_t step);

// Chunks this checkpoint's model has been trained on whole: 0 .. ChunksCovered - 1. The cursor of a chunk-end
// checkpoint may stand at that chunk's end or at the next one's start.
int ChunksCovered(const Checkpoint& checkpoint);

enum class EvaluationKind { kHeldOut, kLookAhead };
std::string_view ToString(EvaluationKind kind);  // "held_out", "look_ahead"
std::optional<EvaluationKind> ParseEvaluationKind(std::string_view text);

struct Evaluation {
  std::string specialist;
  EvaluationKind kind = EvaluationKind::kHeldOut;
  int chunk = 0;
  int64_t step = 0;
  Digest score_table;
  int reals = 0;
  int fakes = 0;
  int families = 0;
  double auc = 0;
  double auc_low = 0;
  double auc_high = 0;
  double log_loss = 0;
  double real_accuracy = 0;
  double fake_accuracy = 0;
  bool too_few = false;
  absl::Time recorded_at = absl::UnixEpoch();

  friend bool operator==(const Evaluation&, const Evaluation&) = default;
};

struct DataManifest {
  std::string chunk;
  Digest blob;
  std::string chunk_sha256;
  int clips = 0;
  int families = 0;
  int quarantined = 0;
  std::map<std::string, int64_t> view_bytes = {};  // what each view takes in a clip store

  friend bool operator==(const DataManifest&, const DataManifest&) = default;
};

// A chunk as one box sees it; sha256 is empty while it is not hashed.
struct ChunkOnBox {
  std::string chunk;
  int64_t size_bytes = 0;
  std::string sha256;

  friend bool operator==(const ChunkOnBox&, const ChunkOnBox&) = default;
};

// Immutable, so that a status of many boxes shares it. Null: nothing was reported.
using Inventory = std::shared_ptr<const std::vector<ChunkOnBox>>;

struct Device {
  std::string name;
  std::string model;

  friend bool operator==(const Device&, const Device&) = default;
};

// One start of a coordinator on a state folder. Number 0: none.
struct Incarnation {
  int64_t number = 0;
  std::string nonce;  // drawn anew at each start: tells the starts of a copied folder apart

  friend bool operator==(const Incarnation&, const Incarnation&) = default;
};

// The coordinator that a work folder was welcomed by last.
struct LastCoordinator {
  std::string plan_digest;
  Incarnation incarnation;
};

struct Hello {
  int protocol = 0;
  std::string member;
  std::string box;
  std::string incarnation;
  Device device;
  std::vector<ChunkOnBox> chunks;
  std::vector<TaskRef> held;
  std::string plan_digest;
  LastCoordinator last_coordinator;
};

struct Progress {
  TaskRef task;
  Phase phase = Phase::kUnknown;
  Cursor cursor;
  int64_t step = 0;
  int64_t chunk_steps = 0;
  double loss = 0;
  double samples_per_second = 0;
  double data_wait_share = 0;
  double training_seconds = 0;
  int64_t activity = 0;
  std::string trouble;

  friend bool operator==(const Progress&, const Progress&) = default;
};

struct PlanMember {
  std::string name;
  std::vector<std::string> specialists;
  bool integrates = false;

  friend bool operator==(const PlanMember&, const PlanMember&) = default;
};

struct PlanChunk {
  std::string name;
  std::string sha256;  // empty: the first complete copy reported holds

  friend bool operator==(const PlanChunk&, const PlanChunk&) = default;
};

// What the core needs of the plan. common/plan has validated the file; ValidatePlan (decide.h) checks what
// the core itself relies on.
struct PlanFacts {
  std::string name;
  std::string digest;
  std::vector<PlanMember> members;
  std::vector<PlanChunk> chunks;
  absl::Duration lease_ttl;
  absl::Duration handover;
  absl::Duration stall;
  absl::Duration checkpoint_period;  // of training time
  int keep_latest = 2;
  int64_t vault_bytes_max = 0;  // 0: no limit

  friend bool operator==(const PlanFacts&, const PlanFacts&) = default;
};

// One line of valid UTF-8 for people, at most kTextBytesMax bytes: anything else in it becomes a space or
// '?'.
std::string CleanText(std::string_view text);

// "train/BG"
std::string TrainTask(std::string_view specialist);
inline constexpr std::string_view kIntegrateTask = "integrate";
// "BG" of "train/BG"; empty for any other task.
std::string SpecialistOf(std::string_view task);

}  // namespace interceptor::coordinator
