// What may happen to the coordinator. A command is a wish or an observation; Decide turns it into events.
#pragma once

#include <string>
#include <variant>
#include <vector>

#include "absl/time/time.h"
#include "coordinator/core/types.h"

namespace interceptor::coordinator {

// What a state folder remembers of its last start outside of the journal.
struct KeptStart {
  Incarnation start;
  bool copied = false;  // it was written beside another journal file
};

// First command after replay. `nonce` is drawn anew at each start.
struct StartCommand {
  PlanFacts plan;
  std::string nonce;
  KeptStart kept = {};
};

// Everything that follows from time or from other decisions happens here: expiry, watchdog, grants, saves,
// retention, rounds. The runtime sends one at the end of every batch whose decisions asked for it
// (Decision::tick_soon), and at least kTickGapsPerLease times in a lease; four times a second is right.
struct TickCommand {};

// A stream sent its hello. An error ends the stream with that status; the session then does not exist.
struct SessionOpened {
  SessionId session = 0;
  Hello hello;
};

// The stream ended, from either side. OK for sessions already gone.
struct SessionClosed {
  SessionId session = 0;
};

struct ProgressReported {
  SessionId session = 0;
  int64_t update_number = 0;
  Progress progress;
};

struct InventoryReported {
  SessionId session = 0;
  std::vector<ChunkOnBox> chunks;
};

struct Goodbye {
  SessionId session = 0;
  std::string reason;
};

// Mutations of workers. `request_id` is 32 hexadecimal digits. The runtime looks into the vault first:
// `blob_verified` says that the blob is there whole with that digest and length.
struct ManifestProposed {
  SessionId session = 0;
  std::string request_id;
  TaskRef task;
  DataManifest manifest;
  bool blob_verified = false;
};

struct CheckpointProposed {
  SessionId session = 0;
  std::string request_id;
  TaskRef task;
  Checkpoint checkpoint;  // id and committed_at are ignored
  bool blob_verified = false;
};

struct EvaluationReported {
  SessionId session = 0;
  std::string request_id;
  TaskRef task;
  Evaluation evaluation;  // recorded_at is ignored
  bool blob_verified = false;
};

struct ChunkFinished {
  SessionId session = 0;
  std::string request_id;
  TaskRef task;
  int chunk = 0;
  int64_t step = 0;
  double training_seconds = 0;
};

struct TaskFailed {
  SessionId session = 0;
  std::string request_id;
  TaskRef task;
  Failure failure;
};

// Mutations of people. `request_id` may be empty: then a retry is a new request.
struct PausePlan {
  std::string request_id;
  std::string reason;
};
struct ResumePlan {
  std::string request_id;
};
struct DrainWorker {
  std::string request_id;
  std::string member;
};
struct PinCheckpoint {
  std::string request_id;
  std::string id;
};
struct UnpinCheckpoint {
  std::string request_id;
  std::string id;
};

// The runtime has carried out a RemoveBlob (the blob is gone, or was).
struct BlobRemoved {
  Digest blob;
};

// The runtime read a committed blob again: intact, or missing or of other bytes.
struct BlobChecked {
  Digest blob;
  bool intact = false;
};

// Free space on the disk of vault and journal, and what the vault holds, as last measured.
struct SpaceReported {
  int64_t free_bytes = 0;
  int64_t vault_bytes = 0;
};

using CommandBody =
    std::variant<StartCommand, TickCommand, SessionOpened, SessionClosed, ProgressReported, InventoryReported,
                 Goodbye, ManifestProposed, CheckpointProposed, EvaluationReported, ChunkFinished, TaskFailed,
                 PausePlan, ResumePlan, DrainWorker, PinCheckpoint, UnpinCheckpoint, BlobRemoved, BlobChecked,
                 SpaceReported>;

struct Command {
  absl::Time wall_time = absl::UnixEpoch();  // for display in events only
  CommandBody body;
};

}  // namespace interceptor::coordinator
