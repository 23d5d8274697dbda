// What goes into a worker's session and what comes out: plain values. The agent turns stream messages, events
// of child processes and facts of its disk into inputs, and does what the outputs say.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "common/base/clock.h"
#include "common/base/digest.h"
#include "common/facts/checkpoint.h"
#include "common/facts/evaluation.h"
#include "common/facts/failure.h"
#include "common/facts/manifest.h"
#include "common/facts/round.h"
#include "common/facts/task.h"

namespace interceptor::worker {

struct ChunkFinished {
  int chunk = 0;
  int64_t step = 0;
  double training_seconds = 0;

  friend bool operator==(const ChunkFinished&, const ChunkFinished&) = default;
};

// How often work that found a disk full is tried again.
inline constexpr absl::Duration kFullPause = absl::Seconds(10);

using Publication = std::variant<DataManifest, Checkpoint, Evaluation, ChunkFinished, Failure>;

// A chunk's zip on this box; the digest is empty while it is not taken.
struct ChunkFile {
  int64_t size_bytes = 0;
  std::string sha256;
  std::string problem = {};   // why it is not taken, with the remedy; empty while it waits to be hashed
  bool needs_action = false;  // by a person: waiting for the end of a copy does not help

  friend bool operator==(const ChunkFile&, const ChunkFile&) = default;
};
using ChunkFiles = std::map<std::string, ChunkFile>;  // by chunk name; absent: no such file

// What the clip store holds of one chunk.
struct StoredChunk {
  DataManifest manifest;
  std::string manifest_path;
  bool has_train = false;  // train.clips is there; keep.clips always is

  friend bool operator==(const StoredChunk&, const StoredChunk&) = default;
};

// What must outlive the agent: a run's checkpoint files on this disk and the facts that the coordinator has
// not accepted yet. With it an agent that was killed goes on where it stood, and reports everything once.
struct RunMemory {
  struct File {
    Digest blob;
    std::string path;
    int64_t step = 0;

    friend bool operator==(const File&, const File&) = default;
  };
  struct Fact {
    Publication body;
    std::string path;

    friend bool operator==(const Fact&, const Fact&) = default;
  };
  int next_chunk = 0;                         // first one not trained
  std::vector<File> files;                    // by step
  std::vector<Fact> unpublished;              // in the order in which they are sent
  std::vector<SamplingWeight> sampling = {};  // of next_chunk

  bool empty() const { return files.empty() && unpublished.empty(); }
  friend bool operator==(const RunMemory&, const RunMemory&) = default;
};

struct SessionPlan {
  std::string digest;
  std::vector<std::string> chunks;  // names, in order
  absl::Duration checkpoint_period = absl::Hours(3);
  bool pair_together = false;
  absl::Duration stall = absl::InfiniteDuration();  // a child that shows no progress for so long has hung
};

// One started child process; numbers are never used twice within a session.
using ChildId = int64_t;

// --- Inputs: the coordinator ---
struct Connected {};
struct Disconnected {};
struct Welcomed {
  SessionPlan plan;
  absl::Duration next_report_in = absl::Seconds(5);
  std::vector<DataManifest> manifests;
  std::map<std::string, std::string> chunk_sha256;  // what holds for the plan's chunks, as far as known
};
struct Assigned {
  TaskRef task;
  int next_chunk = 0;
  std::optional<Checkpoint> base;
  // What an earlier start of this agent remembered of the run; files that are gone left out.
  RunMemory memory;
  std::vector<SamplingWeight> sampling = {};  // of next_chunk
};
struct LeaseRenewed {
  absl::Duration next_report_in;
};
struct SaveNowAsked {
  TaskRef task;
};
struct DrainAsked {
  std::string reason;
};
struct Dropped {
  TaskRef task;
  std::string reason;
};
struct Answered {
  std::string request_id;
  absl::Status status;
};
struct ManifestCommitted {
  DataManifest manifest;
};
struct RoundIsReady {
  Round round;
};

// --- Inputs: this box ---
struct ChunkFilesSeen {
  ChunkFiles files;
};
struct StoreSeen {
  std::map<std::string, StoredChunk> chunks;  // complete ones only
};
// A RememberRun failed: the disk may be full.
struct NotRemembered {
  std::string specialist;
};
struct BlobUploaded {
  Digest blob;
  absl::Status status;
};
struct BlobFetched {
  Digest blob;
  absl::Status status;
  std::string path;
};
// The first time: save and leave in order. Again: leave as soon as the children are gone.
struct StopAsked {};
struct Ticked {};

// --- Inputs: children ---
struct PreparerMoved {
  ChildId child = 0;
  int64_t done = 0;
};
struct ManifestBuilt {
  ChildId child = 0;
  StoredChunk stored;
};
struct TrainerReady {
  ChildId child = 0;
  int next_chunk = 0;
};
struct TrainerMoved {
  ChildId child = 0;
  Progress at;  // without task, activity and trouble, which are the session's to say
};
struct TrainerSaved {
  ChildId child = 0;
  Checkpoint checkpoint;
  std::string path;
};
struct TrainerEvaluated {
  ChildId child = 0;
  Evaluation evaluation;
  std::string path;
};
struct TrainerFinishedChunk {
  ChildId child = 0;
  ChunkFinished chunk;
};
struct TrainerFinished {
  ChildId child = 0;
};
struct IntegratorMoved {
  ChildId child = 0;
  int64_t done = 0;
};
struct RoundJoined {
  ChildId child = 0;
};
// Why a child is about to exit.
struct ChildFailed {
  ChildId child = 0;
  Failure failure;
};
// Stopped by a signal, or going on again.
struct ChildHalted {
  ChildId child = 0;
  bool halted = false;
  std::string reason;  // "is stopped by signal 19 (SIGSTOP)"; empty when it goes on
};
struct ChildExited {
  ChildId child = 0;
  bool clean = false;  // left by itself with exit code 0
  std::string reason;  // "killed by signal 9 (SIGKILL)", "left with exit code 1"
};

using SessionInput =
    std::variant<Connected, Disconnected, Welcomed, Assigned, LeaseRenewed, SaveNowAsked, DrainAsked, Dropped,
                 Answered, ManifestCommitted, RoundIsReady, ChunkFilesSeen, StoreSeen, NotRemembered,
                 BlobUploaded, BlobFetched, StopAsked, Ticked, PreparerMoved, ManifestBuilt, TrainerReady,
                 TrainerMoved, TrainerSaved, TrainerEvaluated, TrainerFinishedChunk, TrainerFinished,
                 IntegratorMoved, RoundJoined, ChildFailed, ChildHalted, ChildExited>;

// --- Outputs: to the coordinator ---
struct SendHello {
  std::vector<TaskRef> held;
  std::string plan_digest;
  ChunkFiles files;
};
struct SendChunkFiles {
  ChunkFiles files;
};
struct SendProgress {
  Progress progress;
};
struct SendPublication {
  std::string request_id;
  TaskRef task;
  Publication body;
};
struct SendGoodbye {
  std::string reason;
};

// --- Outputs: children ---
struct StartPreparer {
  ChildId child = 0;
  std::string chunk;
};
struct StartTrainer {
  ChildId child = 0;
  std::string specialist;
  std::string resume_path;  // empty: from initial weights or from scratch
};
struct StartIntegrator {
  ChildId child = 0;
  std::string chunk;  // name
  Round round;
};
struct GiveChunk {
  ChildId child = 0;
  int chunk = 0;
  std::string name;
  std::string manifest_sha256;
  bool last = false;
  std::vector<SamplingWeight> sampling = {};
};
struct SaveCheckpoint {
  ChildId child = 0;
};
enum class StopKind { kSaveAndLeave, kAtOnce };
struct StopChild {
  ChildId child = 0;
  StopKind kind = StopKind::kSaveAndLeave;
};

// --- Outputs: this box ---
struct UploadBlob {
  Digest blob;
  std::string path;
};
struct FetchBlob {
  Digest blob;
  std::string specialist;  // whose run it is for
};
// A score table for the integrator; answered by BlobFetched, too.
struct FetchTable {
  std::string chunk;  // name
  std::string specialist;
  Digest blob;
};
struct DeleteFile {
  std::string path;
};
// Write it down before anything that follows; an empty memory is forgotten.
struct RememberRun {
  std::string specialist;
  RunMemory memory;
};
// A run still needs a chunk's train.clips, or no longer does.
struct ReferChunk {
  std::string chunk;
  std::string specialist;
};
struct ReleaseChunk {
  std::string chunk;
  std::string specialist;
};
// Fetch the committed manifest and log where the local one differs.
struct ExplainManifest {
  std::string local_path;
  Digest committed;
};
// One line for the log.
struct Note {
  bool warning = false;
  std::string text;
};
// Nothing is left to do: end the program.
struct Leave {
  std::string reason;
};

using SessionOutput =
    std::variant<SendHello, SendChunkFiles, SendProgress, SendPublication, SendGoodbye, StartPreparer,
                 StartTrainer, StartIntegrator, GiveChunk, SaveCheckpoint, StopChild, UploadBlob, FetchBlob,
                 FetchTable, DeleteFile, RememberRun, ReferChunk, ReleaseChunk, ExplainManifest, Note, Leave>;
using SessionOutputs = std::vector<SessionOutput>;

}  // namespace interceptor::worker
