// What the runtime does after a decision's events are durable, in order, after the reply. Each is safe to
// repeat; after a restart Start and Tick decide the outstanding ones again.
#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "common/facts/round.h"
#include "coordinator/core/types.h"

namespace interceptor::coordinator {

// The answer to a hello. The service adds the plan itself.
struct Welcome {
  absl::Duration next_report_in;
  std::vector<DataManifest> manifests;  // in chunk order
  std::vector<ChunkOnBox> chunks;       // digests that hold, as far as known
  Incarnation coordinator;
};

struct Assignment {
  TaskRef task;
  int next_chunk = 0;
  std::optional<Checkpoint> base;
  absl::Duration lease_ttl;
  std::vector<SamplingWeight> sampling = {};  // of next_chunk
};

struct Renewed {
  TaskRef task;
  int64_t through_update = 0;
  absl::Duration next_report_in;
};

struct SaveNow {
  TaskRef task;
};

struct Drain {
  std::string reason;
};

struct Drop {
  TaskRef task;
  std::string reason;
};

struct ManifestFact {
  DataManifest manifest;
};

struct RoundReady {
  Round round;
};

using Directive = std::variant<Assignment, Renewed, SaveNow, Drain, Drop, ManifestFact, RoundReady>;

// Dropped silently when the session is gone.
struct SendDirective {
  SessionId session = 0;
  Directive directive;
};

// Ends the stream with `status`. The core has forgotten the session already: no SessionClosed need follow.
struct CloseSession {
  SessionId session = 0;
  absl::Status status;
};

// Unlink the blob, then report BlobRemoved. Gone already is success. Repeated after each restart until
// BlobRemoved is durable.
struct RemoveBlob {
  Digest blob;
};

// Read the blob whole from the disk, then report BlobChecked. That takes seconds: not on the loop's thread.
// Asked for again until it is answered.
struct CheckBlob {
  Digest blob;
};

using Effect = std::variant<SendDirective, CloseSession, RemoveBlob, CheckBlob>;

}  // namespace interceptor::coordinator
