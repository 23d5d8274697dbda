// A box's chunks on their way to training: which zips are here, which are prepared, which manifests hold for
// everyone, and what to prepare next. The gate: a chunk is trained only when its manifest is committed and
// equal to the one this box built. Pure values; one thread.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "worker/session/session_values.h"

namespace interceptor::worker {

class ChunkTracker {
 public:
  // `stall`: how long a preparer may show no progress.
  void SetPlan(std::vector<std::string> chunks, std::map<std::string, std::string> chunk_sha256,
               absl::Duration stall);
  void SetFiles(ChunkFiles files) { files_ = std::move(files); }
  void SetStore(std::map<std::string, StoredChunk> chunks) { stored_ = std::move(chunks); }
  void ForgetCommitted() { committed_.clear(); }
  void Commit(const DataManifest& manifest) { committed_[manifest.chunk] = manifest; }

  int chunk_count() const { return static_cast<int>(names_.size()); }
  const std::string& Name(int chunk) const { return names_.at(static_cast<size_t>(chunk)); }
  const ChunkFiles& files() const { return files_; }

  enum class Gate {
    kOpen,
    kNoFile,  // a zip that is needed is not here, or not whole yet
    kNotPrepared,
    kNotCommitted,  // prepared here; the coordinator has not said yet that it holds
    kBroken,        // a person must act: `failure` says on what
  };
  struct GateState {
    Gate gate = Gate::kOpen;
    Failure failure;
    // For a manifest that differs from the committed one.
    std::optional<ExplainManifest> difference;
  };
  // May a run train chunk `next`? It needs that chunk whole and the kept clips of all before it.
  GateState Look(int next) const;

  // Null until committed.
  const DataManifest* Committed(const std::string& chunk) const;
  // Chunks built here that the coordinator has no manifest of, to be proposed: in the plan's order without a
  // gap and never behind one that differs from the committed one, because each is made against those before
  // it.
  std::vector<StoredChunk> Unproposed() const;

  // Starts the preparer on the first chunk that some run of `next_chunks` waits for, then on the one after
  // the lowest of them. One at a time.
  void Prepare(const std::set<int>& next_chunks, MonotonicTime now, ChildId& last_child, SessionOutputs& out);
  // True while the preparer works on something the run that trains `next` now waits for.
  bool IsPreparing(int next) const;
  bool HasPreparer() const { return preparer_.has_value(); }
  void StopPreparer(SessionOutputs& out);
  // Ends a preparer that has hung; it is started again like one that died. Call often: time in which this was
  // not called does not count, because then it was the agent, or the whole box, that did not move.
  void WatchPreparer(MonotonicTime now, SessionOutputs& out);
  // Why nothing is prepared just now, one line; empty when all is well.
  const std::string& trouble() const { return trouble_; }

  // Each is false when `child` is not the preparer.
  bool OnMoved(const PreparerMoved& moved);
  bool OnBuilt(const ManifestBuilt& built);
  bool OnFailed(const ChildFailed& failed);
  bool OnExited(const ChildExited& exited, MonotonicTime now, SessionOutputs& out);

  // Nothing while nothing waits for time to pass.
  std::optional<MonotonicTime> NextWake() const;
  // A person asked to try again: of the chunks up to this one.
  void ClearFailures(int last_chunk);

 private:
  struct Preparer {
    ChildId child = 0;
    std::string chunk;
    int64_t done = -1;
    bool built = false;
    bool stopping = false;
    MonotonicTime looked_at;  // by WatchPreparer
    absl::Duration quiet;     // since it last showed progress
    std::optional<Failure> failure = std::nullopt;
  };
  bool IsStored(const std::string& chunk, bool whole) const;
  bool HasFile(const std::string& chunk) const;  // whole
  std::optional<Failure> Fault(const std::string& chunk) const;
  std::optional<std::string> NextToPrepare(const std::set<int>& next_chunks) const;

  std::vector<std::string> names_;
  std::map<std::string, std::string> plan_sha256_;
  ChunkFiles files_;
  std::map<std::string, StoredChunk> stored_;
  std::map<std::string, DataManifest> committed_;
  std::map<std::string, Failure> broken_;
  std::map<std::string, int> failures_;
  std::optional<Preparer> preparer_;
  std::optional<MonotonicTime> retry_at_;
  std::string trouble_;
  absl::Duration stall_ = absl::InfiniteDuration();
};

// Why a child failed: as it told, else by how it exited.
Failure WhyItExited(const std::optional<Failure>& told, std::string_view program, const ChildExited& exited);

// The pause after the nth failure in a row: 1 s, 2 s, 4 s ... up to a minute; kFullPause for a full disk.
absl::Duration PauseAfter(int failures, bool disk_full);

// Failures in a row after which a child is not started again by itself.
inline constexpr int kChildFailuresMax = 5;

}  // namespace interceptor::worker
