// One run on this box: a specialist's trainer process from start to end, its checkpoints on this disk, and
// what the coordinator must still hear of it. Pure values; one thread.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "worker/session/chunk_tracker.h"
#include "worker/session/outbox.h"
#include "worker/session/session_values.h"

namespace interceptor::worker {

bool HoldsBlob(const std::vector<RunMemory::File>& files, const Digest& blob);

class TrainingRun {
 public:
  TrainingRun(const Assigned& assigned, std::string nonce);

  const TaskRef& task() const { return task_; }
  const std::string& specialist() const { return specialist_; }
  int next_chunk() const { return next_chunk_; }
  Outbox& outbox() { return outbox_; }
  const Outbox& outbox() const { return outbox_; }

  // Holding the task, neither failed nor done: progress is reported and chunks are wanted.
  bool active() const { return !failed_ && !done_; }
  bool training() const { return trainer_ == Trainer::kTraining; }
  bool has_trainer() const { return trainer_ != Trainer::kNone; }
  bool IsTrainer(ChildId child) const { return has_trainer() && child == child_; }

  // The same work goes on under another term: whether `assigned` starts where this run's own checkpoints
  // lead.
  bool Continues(const Assigned& assigned) const;
  // Takes the new term over and tries again if the run had failed.
  void Renew(const Assigned& assigned);
  // Ends the trainer at once and deletes this run's checkpoints, published or not.
  void Abandon(SessionOutputs& out);

  // What must outlive the agent, and taking it up again.
  RunMemory Memory() const;
  void Recall(const RunMemory& memory);

  // --- what Session's rules may start ---
  void FetchBase(MonotonicTime now, SessionOutputs& out);
  bool WantsTrainer(MonotonicTime now) const;
  void StartTrainer(ChildId child, SessionOutputs& out);
  bool WantsTurn() const { return trainer_ == Trainer::kReady && active(); }
  void GiveChunk(const std::string& name, const std::string& manifest_sha256, bool last, SessionOutputs& out);
  // Asks for a checkpoint unless one is on its way.
  void Save(SessionOutputs& out);
  // Training time since the last capture.
  absl::Duration SinceCapture() const { return absl::Seconds(at_.training_seconds - captured_seconds_); }
  // Snapshot and leave; the run goes on when the trainer is started again.
  void StopTrainer(SessionOutputs& out);
  // Reports the failure and stops.
  void Fail(Failure failure, SessionOutputs& out);

  // --- events ---
  // REQUIRES of those of a child: IsTrainer(child).
  void On(const TrainerReady& ready, MonotonicTime now, SessionOutputs& out);
  void On(const TrainerMoved& moved, MonotonicTime now, SessionOutputs& out);
  void On(const TrainerSaved& saved, MonotonicTime now, SessionOutputs& out);
  void On(const TrainerEvaluated& evaluated, MonotonicTime now, SessionOutputs& out);
  void On(const TrainerFinishedChunk& finished, MonotonicTime now, SessionOutputs& out);
  void On(const TrainerFinished&, MonotonicTime, SessionOutputs&) { done_ = true; }
  void On(const ChildFailed& failed, MonotonicTime, SessionOutputs&) { failure_ = failed.failure; }
  void On(const ChildHalted& halted, MonotonicTime now, SessionOutputs& out);
  void On(const ChildExited& exited, MonotonicTime now, SessionOutputs& out);
  void On(const BlobFetched& fetched, MonotonicTime now, SessionOutputs& out);
  // An answered fact of this run: frees files and chunks. Refusals become failures.
  void OnSettled(const Outbox::Settled& settled, SessionOutputs& out);

  // Counts whatever moves; the same number twice is a ping.
  void Bump() { ++activity_; }
  Progress Report(Phase phase) const;
  Phase trainer_phase() const { return at_.phase; }
  std::optional<MonotonicTime> NextWake() const { return restart_at_; }

 private:
  enum class Trainer { kNone, kStarting, kReady, kTraining, kStopping };
  void ReportChunksOfBase();
  // Of a held-out evaluation, which says how the chunk behind its own is sampled.
  void NoteSampling(const Evaluation& evaluation);
  std::vector<SamplingWeight> SamplingOfNext() const;
  void DeleteCheckpointsBefore(int64_t step, SessionOutputs& out);

  TaskRef task_;
  std::string specialist_;
  int next_chunk_ = 0;
  std::optional<Checkpoint> base_;
  int sampled_chunk_ = 0;  // whose sampling this is
  std::vector<SamplingWeight> sampling_;
  Outbox outbox_;
  std::vector<RunMemory::File> local_;  // by step; the last one is what a trainer resumes from
  bool fetching_ = false;
  bool failed_ = false;
  bool done_ = false;

  Trainer trainer_ = Trainer::kNone;
  ChildId child_ = 0;
  std::optional<Failure> failure_;
  std::string trouble_;  // shown until a trainer gets beyond where the last one stopped
  std::optional<MonotonicTime> restart_at_;
  int consecutive_failures_ = 0;
  int64_t best_step_ = -1;
  bool saving_ = false;
  double captured_seconds_ = 0;
  Progress at_;
  int64_t activity_ = 0;
  std::set<std::tuple<EvaluationKind, int, int64_t>> evaluated_;  // (kind, chunk, step) already reported
};

}  // namespace interceptor::worker
