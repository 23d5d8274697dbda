// What one run must report to the coordinator, in order: a fact is sent only when the one before it was answered,
// and after its blob is in the vault. An unanswered fact is sent again under the same request id after a
// reconnect. Pure values; one thread.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "worker/session/session_values.h"

namespace interceptor::worker {

// Derived from what is said and under which term, so that even an agent started anew repeats itself under the
// same id: first 32 hexadecimal digits of SHA-256. `nonce` tells apart failures that read alike.
std::string RequestId(const TaskRef& task, const Publication& body, std::string_view nonce);

class Outbox {
 public:
  // `nonce`: what makes this agent's failures its own, its incarnation.
  explicit Outbox(std::string nonce) : nonce_(std::move(nonce)) {}

  // `path`: the file behind the fact's digest; empty for facts without a blob.
  void Add(Publication body, std::string path = "");

  bool empty() const { return items_.empty(); }
  std::vector<RunMemory::Fact> Facts() const { return {items_.begin(), items_.end()}; }
  bool HasManifest(std::string_view chunk) const;
  bool HasChunkFinished(int chunk) const;

  // Starts what the first fact waits for, if it is not under way. Call while connected.
  void Advance(const TaskRef& task, MonotonicTime now, SessionOutputs& out);
  // When Advance has something to do next; nothing while an answer or an upload is awaited.
  std::optional<MonotonicTime> NextWake() const;
  void Disconnect();

  enum class Verdict {
    kAccepted,
    kStale,    // the term has moved: nothing of this task may be said any more
    kRefused,  // repeating cannot help
    kLost,     // the file behind it is gone or damaged
  };
  struct Settled {
    Verdict verdict = Verdict::kAccepted;
    Publication body;
    absl::Status status;
  };
  // What a failed upload settles; nothing for one that is tried again.
  std::optional<Settled> OnUploaded(const BlobUploaded& uploaded, MonotonicTime now);
  // What the answer settles. Nothing for an answer to something else, and for a refusal that is tried again:
  // a blob the vault lost, a coordinator out of space.
  std::optional<Settled> OnAnswer(const Answered& answer, const TaskRef& task, MonotonicTime now);

  // Keeps at most `limit` checkpoints, not counting on those under way: a later one takes the place of an
  // older one in the order. Returns the files that are no longer needed.
  std::vector<std::string> TrimCheckpoints(size_t limit);

  // Takes out what the coordinator is known to have: checkpoints up to `step`, ends of chunks before
  // `next_chunk` and manifests of `chunk`.
  void ForgetCheckpointsThrough(int64_t step);
  void ForgetChunksBefore(int next_chunk);
  void ForgetManifest(std::string_view chunk);
  void Clear() { items_.clear(); }

 private:
  enum class Stage { kBlobUnsent, kUploading, kReady, kSent };
  struct Item : RunMemory::Fact {
    std::string nonce;
    Stage stage = Stage::kReady;
    int refusals = 0;
    MonotonicTime not_before;
  };

  std::string nonce_;
  int64_t added_ = 0;
  std::deque<Item> items_;
};

// One line for the log about a result; empty for what is logged elsewhere.
std::string Describe(const SendPublication& sent);

// "manifest", "checkpoint", "evaluation", "chunk_finished" or "failure".
std::string_view ToString(const Publication& body);
// An empty fact of that kind; nothing for a manifest, which is no run's.
std::optional<Publication> EmptyRunFact(std::string_view kind);

// The digest a fact rests on; nothing for facts without a blob.
const Digest* BlobOf(const Publication& body);

}  // namespace interceptor::worker
