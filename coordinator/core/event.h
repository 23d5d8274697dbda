// What has happened: the only input of Apply. Durable events are journaled and rebuild State::facts; soft
// ones touch State::soft alone and cost no disk write. The journal's records mirror the durable ones:
// a field added here is added there (coordinator/journal/event_codec).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "absl/time/time.h"
#include "common/base/clock.h"
#include "coordinator/core/types.h"

namespace interceptor::coordinator {

// --- durable ---

// What all that happens to a published checkpoint says.
struct CheckpointEvent {
  std::string id;
  friend bool operator==(const CheckpointEvent&, const CheckpointEvent&) = default;
};
// What the ends of leases say.
struct LeaseEvent {
  TaskRef task;
  std::string reason;
  friend bool operator==(const LeaseEvent&, const LeaseEvent&) = default;
};

// First event of a journal: the folder belongs to this plan for good.
struct PlanAdopted {
  std::string name;
  std::string digest;
  friend bool operator==(const PlanAdopted&, const PlanAdopted&) = default;
};
struct CoordinatorStarted {
  Incarnation incarnation;
  friend bool operator==(const CoordinatorStarted&, const CoordinatorStarted&) = default;
};
// A box stands for a member from now on, with this start of its agent; ends an earlier drain or leave.
struct MemberAttached {
  std::string member;
  std::string box;
  std::string incarnation;
  friend bool operator==(const MemberAttached&, const MemberAttached&) = default;
};
// In order: another box may take the name at once.
struct MemberLeft {
  std::string member;
  std::string box;
  std::string reason;
  friend bool operator==(const MemberLeft&, const MemberLeft&) = default;
};
struct DrainRequested {
  std::string member;
  friend bool operator==(const DrainRequested&, const DrainRequested&) = default;
};
struct ChunkDigestFixed {
  std::string chunk;
  std::string sha256;
  int64_t size_bytes = 0;  // 0: not known yet
  std::string box;         // whose copy it is; empty: the plan says so
  friend bool operator==(const ChunkDigestFixed&, const ChunkDigestFixed&) = default;
};
struct ManifestCommitted {
  DataManifest manifest;
  std::string box;
  friend bool operator==(const ManifestCommitted&, const ManifestCommitted&) = default;
};
struct TaskGranted {
  std::string task;
  int64_t term = 0;
  std::string member;  // whose box it is; not always the task's home
  std::string box;
  int next_chunk = 0;
  std::string base;  // checkpoint id; empty: from scratch
  friend bool operator==(const TaskGranted&, const TaskGranted&) = default;
};
// The lease is dead but nobody else has the task: its holder may still publish and reclaim it.
struct LeaseExpired : LeaseEvent {};
struct LeaseReclaimed {
  TaskRef task;
  friend bool operator==(const LeaseReclaimed&, const LeaseReclaimed&) = default;
};
// The term is over: nothing that carries it is accepted any more.
struct TaskReleased : LeaseEvent {};
// The holder gave up, or the watchdog did for it; also releases. `paused`: until a person resumes.
struct TaskFailureRecorded {
  TaskRef task;
  absl::StatusCode code = absl::StatusCode::kUnknown;
  std::string text;
  bool paused = false;
  friend bool operator==(const TaskFailureRecorded&, const TaskFailureRecorded&) = default;
};
struct CheckpointCommitted {
  Checkpoint checkpoint;
  int64_t term = 0;
  std::string box;
  friend bool operator==(const CheckpointCommitted&, const CheckpointCommitted&) = default;
};
struct CheckpointPinned : CheckpointEvent {};
struct CheckpointUnpinned : CheckpointEvent {};
// Its blob was found missing or changed: it counts no more as a good one.
struct CheckpointDamaged : CheckpointEvent {};
// Its blob was found whole again: somebody put the file back.
struct CheckpointRestored : CheckpointEvent {};
// A run goes on from its newest intact checkpoint. Those beyond it are damaged, `damaged` is the newest of
// them: they leave the list, pinned or not, and their blobs go. A run that
// was done is open again.
struct RunSetBack {
  std::string task;
  int next_chunk = 0;
  std::string base;
  std::string damaged;
  friend bool operator==(const RunSetBack&, const RunSetBack&) = default;
};
// Out of the list for good; its blob goes next.
struct RemovalDecided : CheckpointEvent {};
struct RemovalDone {
  Digest blob;
  friend bool operator==(const RemovalDone&, const RemovalDone&) = default;
};
struct EvaluationRecorded {
  Evaluation evaluation;
  friend bool operator==(const EvaluationRecorded&, const EvaluationRecorded&) = default;
};
// Of a run, or of "integrate" (a round). The last chunk ends the task and its lease.
struct ChunkCompleted {
  TaskRef task;
  int chunk = 0;
  int64_t step = 0;
  double training_seconds = 0;
  bool last = false;
  friend bool operator==(const ChunkCompleted&, const ChunkCompleted&) = default;
};
struct PlanPaused {
  std::string reason;
  friend bool operator==(const PlanPaused&, const PlanPaused&) = default;
};
struct PlanResumed {
  friend bool operator==(const PlanResumed&, const PlanResumed&) = default;
};
struct PlanFinished {
  friend bool operator==(const PlanFinished&, const PlanFinished&) = default;
};
// This journal is a copy, and what was decided elsewhere since stands not in it. Every term is over, and new
// ones begin beyond `term_floor`, so that nothing granted in the lost history counts.
struct HistoryLost {
  Incarnation seen;
  std::string why;
  Incarnation now;  // of the coordinator, from here on
  int64_t term_floor = 0;
  friend bool operator==(const HistoryLost&, const HistoryLost&) = default;
};

// --- soft ---

struct PlanLoaded {
  PlanFacts plan;
  MonotonicTime now;
  absl::Time wall_time = absl::UnixEpoch();
};
struct SessionStarted {
  SessionId session = 0;
  Hello hello;
  MonotonicTime now;
};
struct SessionEnded {
  SessionId session = 0;
  MonotonicTime now;
};
struct SessionSeen {
  SessionId session = 0;
  MonotonicTime now;
};
struct InventoryNoted {
  SessionId session = 0;
  std::vector<ChunkOnBox> chunks;
};
// A lease begins: the task was granted.
struct LeaseStarted {
  std::string task;
  MonotonicTime now;
};
// The holder is back on a new stream: its lease runs anew, what it reported before still counts.
struct LeaseResumed {
  std::string task;
  MonotonicTime now;
};
// A live lease's holder did something that counts.
struct LeaseRenewed {
  std::string task;
  MonotonicTime now;
};
// A task that failed is not granted before.
struct RetryPostponed {
  std::string task;
  MonotonicTime until;
};
// Every live lease runs anew: the coordinator itself was away.
struct LeasesRefreshed {
  MonotonicTime now;
};
struct ProgressNoted {
  SessionId session = 0;
  Progress progress;
  bool renews = false;
  MonotonicTime now;
};
struct SaveAsked {
  std::string task;
  MonotonicTime now;
};
struct RoundAnnounced {
  SessionId session = 0;
  int chunk = 0;
};
struct DrainSent {
  SessionId session = 0;
};
struct RemovalSent {
  Digest blob;
  MonotonicTime now;
};
struct CheckSent {
  Digest blob;
  MonotonicTime now;
};
struct BlobFoundIntact {
  Digest blob;
};
struct SpaceNoted {
  int64_t free_bytes = 0;
  int64_t vault_bytes = 0;
};
struct TickNoted {
  MonotonicTime now;
};

using DurableEvent =
    std::variant<PlanAdopted, CoordinatorStarted, MemberAttached, MemberLeft, DrainRequested,
                 ChunkDigestFixed, ManifestCommitted, TaskGranted, LeaseExpired, LeaseReclaimed, TaskReleased,
                 TaskFailureRecorded, CheckpointCommitted, CheckpointPinned, CheckpointUnpinned,
                 CheckpointDamaged, RemovalDecided, RemovalDone, EvaluationRecorded, ChunkCompleted,
                 PlanPaused, PlanResumed, PlanFinished, HistoryLost, CheckpointRestored, RunSetBack>;

using SoftEvent =
    std::variant<PlanLoaded, SessionStarted, SessionEnded, SessionSeen, InventoryNoted, LeaseStarted,
                 LeaseResumed, LeaseRenewed, RetryPostponed, LeasesRefreshed, ProgressNoted, SaveAsked,
                 RoundAnnounced, DrainSent, RemovalSent, CheckSent, BlobFoundIntact, SpaceNoted, TickNoted>;

// Which request an event answers. The fingerprint tells a retry from another request under the same id.
struct RequestMark {
  std::string id;  // 32 hexadecimal digits; empty: none
  uint64_t fingerprint = 0;

  friend bool operator==(const RequestMark&, const RequestMark&) = default;
};

// One line of the journal.
struct Fact {
  absl::Time at = absl::UnixEpoch();
  RequestMark request = {};
  DurableEvent body;

  friend bool operator==(const Fact&, const Fact&) = default;
};

using Event = std::variant<Fact, SoftEvent>;

inline bool IsDurable(const Event& event) { return std::holds_alternative<Fact>(event); }

// For people: `interceptor events`.
struct EventLine {
  std::string kind;     // "checkpoint_committed"
  std::string subject;  // a task, a member, a chunk, a checkpoint, "vault" or "plan"
  std::string text;     // one line
};
EventLine Describe(const DurableEvent& event);

}  // namespace interceptor::coordinator
