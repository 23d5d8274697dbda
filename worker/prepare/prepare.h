// A chunk's zip becomes a clip store and a data manifest:
//   1. the zip's directory is read, the builder's lock taken, leftovers of a crash swept;
//   2. a finished store whose stamp fits zip, settings and face model is used as it is;
//   3. the data gate gives every clip its label and family, or refuses the chunk;
//   4. a few pictures of each family are compared with those of earlier chunks: what shows the same footage
//      gets one fold;
//   5. clips are decoded by the pool and stored family by family, each original before its fakes;
//   6. train.clips, keep.clips, manifest.jsonl and, last, prepared.json become visible, each atomically.
// A crash before 6 leaves only temporaries; one within it leaves a store whose prepared.json is absent or
// does not fit its files, which is made again. The same zip and settings give the same bytes, however many
// decoders work.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "worker/child_protocol/messages.h"
#include "worker/media/decoder_pool.h"
#include "worker/prepare/prepared_stamp.h"
#include "worker/sampling/recipe.h"

namespace interceptor::worker {

struct PrepareOptions {
  std::string zip_path;
  std::string store;            // the folder that holds one folder a chunk
  std::string chunk;            // "00"
  int64_t store_bytes_max = 0;  // that the clips of all chunks may take; 0: as many as the disk has
  RunSettings settings;
  DecoderPoolOptions pool;
};

// Called on the thread of PrepareChunk.
class PrepareObserver {
 public:
  virtual ~PrepareObserver() = default;
  virtual void OnProgress(int64_t done, int64_t total, int64_t quarantined) = 0;
  virtual void OnScan(int64_t done, int64_t total) = 0;  // families looked at
  virtual void OnQuarantine(const std::string& clip, const std::string& reason) = 0;
  // `notes`: what is odd about the labels, a line each.
  virtual void OnGate(const GateEvent& gate, const std::vector<std::string>& notes) = 0;
  // Another process is making the same store; it is waited for.
  virtual void OnWaiting() = 0;
  // Asked several times a second. True: leave without a store, CANCELLED.
  virtual bool Stopped() = 0;
};

absl::StatusOr<PrepareSummary> PrepareChunk(const PrepareOptions& options, PrepareObserver& observer);

// False where repeating cannot help: bad labels, an unsafe zip, settings out of range.
bool RetryHelps(const absl::Status& status);
// True for a refusal because a newer version wrote the store.
bool IsWrittenByNewer(const absl::Status& status);

}  // namespace interceptor::worker
