#include "worker/session/training_run.h"

#include <algorithm>

#include "common/base/status.h"

namespace interceptor::worker {
namespace {

constexpr size_t kUnpublishedMax = 2;

}  // namespace

TrainingRun::TrainingRun(const Assigned& assigned, std::string nonce)
    : task_(assigned.task),
      specialist_(SpecialistOf(assigned.task.task)),
      next_chunk_(assigned.next_chunk),
      base_(assigned.base),
      sampled_chunk_(assigned.next_chunk),
      sampling_(assigned.sampling),
      outbox_(std::move(nonce)) {
  if (!base_) return;
  at_.step = base_->step;
  at_.cursor = base_->cursor;
  at_.training_seconds = captured_seconds_ = base_->training_seconds;
  best_step_ = base_->step;
}

void TrainingRun::Recall(const RunMemory& memory) {
  // Beyond the grant's chunk only this box may know it: the scores of the chunk before may have been accepted already.
  if (memory.next_chunk > sampled_chunk_) {
    sampled_chunk_ = memory.next_chunk;
    sampling_ = memory.sampling;
  }
  for (const RunMemory::Fact& fact : memory.unpublished) {
    if (const auto* evaluation = std::get_if<Evaluation>(&fact.body)) {
      evaluated_.insert({evaluation->kind, evaluation->chunk, evaluation->step});
      NoteSampling(*evaluation);
    }
    if (const auto* checkpoint = std::get_if<Checkpoint>(&fact.body)) {
      captured_seconds_ = std::max(captured_seconds_, checkpoint->training_seconds);
    }
    if (std::holds_alternative<Failure>(fact.body)) continue;  // of a start that is over
    outbox_.Add(fact.body, fact.path);
  }
  local_ = memory.files;
  next_chunk_ = memory.next_chunk;
}

RunMemory TrainingRun::Memory() const { return {next_chunk_, local_, outbox_.Facts(), SamplingOfNext()}; }

std::vector<SamplingWeight> TrainingRun::SamplingOfNext() const {
  return sampled_chunk_ == next_chunk_ ? sampling_ : std::vector<SamplingWeight>();
}

bool TrainingRun::Continues(const Assigned& assigned) const {
  for (int c = assigned.next_chunk; c < next_chunk_; ++c) {
    if (!outbox_.HasChunkFinished(c)) return false;
  }
  if (assigned.next_chunk > next_chunk_) return false;
  if (!assigned.base) return !base_;
  if (base_ && base_->blob == assigned.base->blob) return true;
  return HoldsBlob(local_, assigned.base->blob);
}

bool HoldsBlob(const std::vector<RunMemory::File>& files, const Digest& blob) {
  return std::ranges::find(files, blob, &RunMemory::File::blob) != files.end();
}

void TrainingRun::Renew(const Assigned& assigned) {
  task_ = assigned.task;
  base_ = assigned.base;
  outbox_.Disconnect();
  if (base_) outbox_.ForgetCheckpointsThrough(base_->step);
  outbox_.ForgetChunksBefore(assigned.next_chunk);
  failed_ = false;
  consecutive_failures_ = 0;
  restart_at_.reset();
}

void TrainingRun::Abandon(SessionOutputs& out) {
  if (has_trainer()) out.push_back(StopChild{child_, StopKind::kAtOnce});
  for (const RunMemory::File& local : local_) out.push_back(DeleteFile{local.path});
  local_.clear();
  outbox_.Clear();
}

void TrainingRun::FetchBase(MonotonicTime now, SessionOutputs& out) {
  if (!active() || fetching_ || !base_ || !local_.empty() || (restart_at_ && now < *restart_at_)) return;
  fetching_ = true;
  out.push_back(FetchBlob{base_->blob, specialist_});
}

void TrainingRun::On(const BlobFetched& fetched, MonotonicTime now, SessionOutputs& out) {
  if (!fetching_ || !base_ || fetched.blob != base_->blob) return;
  fetching_ = false;
  if (fetched.status.ok()) {
    consecutive_failures_ = 0;
    local_.push_back({fetched.blob, fetched.path, base_->step});
    return;
  }
  const bool full = absl::IsResourceExhausted(fetched.status);
  if (full) {
    Bump();
    trouble_ = Message(fetched.status);
  }
  const bool waits = full || absl::IsUnavailable(fetched.status);
  if (!waits && ++consecutive_failures_ >= kChildFailuresMax) {
    Fail({.code = absl::StatusCode::kDataLoss,
          .text = Cat("fetching checkpoint ", fetched.blob.hex, ": ", Message(fetched.status)),
          .retryable = true},
         out);
    return;
  }
  restart_at_ = now + PauseAfter(waits ? 2 : consecutive_failures_, full);
}

bool TrainingRun::WantsTrainer(MonotonicTime now) const {
  if (!active() || has_trainer() || fetching_) return false;
  if (base_ && local_.empty()) return false;
  return !restart_at_ || *restart_at_ <= now;
}

void TrainingRun::StartTrainer(ChildId child, SessionOutputs& out) {
  restart_at_.reset();
  trainer_ = Trainer::kStarting;
  child_ = child;
  failure_.reset();
  out.push_back(worker::StartTrainer{child, specialist_, local_.empty() ? "" : local_.back().path});
}

void TrainingRun::GiveChunk(const std::string& name, const std::string& manifest_sha256, bool last,
                            SessionOutputs& out) {
  trainer_ = Trainer::kTraining;
  at_.phase = Phase::kTraining;
  out.push_back(worker::GiveChunk{child_, next_chunk_, name, manifest_sha256, last, SamplingOfNext()});
}

void TrainingRun::Save(SessionOutputs& out) {
  if (saving_ || !training()) return;
  saving_ = true;
  out.push_back(SaveCheckpoint{child_});
}

void TrainingRun::StopTrainer(SessionOutputs& out) {
  if (!has_trainer() || trainer_ == Trainer::kStopping) return;
  trainer_ = Trainer::kStopping;
  out.push_back(StopChild{child_, StopKind::kSaveAndLeave});
}

void TrainingRun::Fail(Failure failure, SessionOutputs& out) {
  if (failed_) return;
  failed_ = true;
  restart_at_.reset();
  out.push_back(Note{true, Cat(task_.task, " stops: ", failure.text)});
  outbox_.Add(std::move(failure));
  StopTrainer(out);
}

void TrainingRun::On(const TrainerReady& ready, MonotonicTime, SessionOutputs& out) {
  if (trainer_ == Trainer::kStopping) return;
  trainer_ = Trainer::kReady;
  Bump();
  ReportChunksOfBase();
  // The chunk before the one where the model stands may be ordered again: its scores are still pending.
  if (ready.next_chunk != next_chunk_ && ready.next_chunk != next_chunk_ + 1) {
    Fail({.code = absl::StatusCode::kFailedPrecondition,
          .text = Cat("the trainer of ", specialist_, " stands before chunk ", ready.next_chunk,
                      ", the coordinator before chunk ", next_chunk_),
          .retryable = true},
         out);
  }
}

// An earlier holder trained these chunks and was gone before it reported their ends. Their scores went with
// it, but for the last one while the model still stands right behind it.
void TrainingRun::ReportChunksOfBase() {
  if (!base_ || local_.empty() || local_.back().blob != base_->blob) return;
  const bool right_behind = base_->cursor.epoch == 0 && base_->cursor.position == 0;
  for (; next_chunk_ < base_->cursor.chunk - (right_behind ? 1 : 0); ++next_chunk_) {
    outbox_.Add(ChunkFinished{next_chunk_, base_->step, base_->training_seconds});
  }
}

void TrainingRun::On(const TrainerMoved& moved, MonotonicTime, SessionOutputs&) {
  // Training that repeats a step number stands still; scoring and saving move without steps.
  const Progress& at = moved.at;
  if (at.phase != Phase::kTraining || at.phase != at_.phase || at.step != at_.step) Bump();
  at_ = at;
  if (at.step > best_step_) {
    best_step_ = at.step;
    consecutive_failures_ = 0;
    trouble_.clear();
  }
}

void TrainingRun::On(const TrainerSaved& saved, MonotonicTime, SessionOutputs& out) {
  saving_ = false;
  captured_seconds_ = saved.checkpoint.training_seconds;
  Bump();
  // A trainer that was started anew may write the file it wrote before.
  if (HoldsBlob(local_, saved.checkpoint.blob)) return;
  local_.push_back({saved.checkpoint.blob, saved.path, saved.checkpoint.step});
  outbox_.Add(saved.checkpoint, saved.path);
  for (const std::string& path : outbox_.TrimCheckpoints(kUnpublishedMax)) {
    std::erase_if(local_, [&path](const RunMemory::File& local) { return local.path == path; });
    out.push_back(DeleteFile{path});
  }
}

void TrainingRun::On(const TrainerEvaluated& evaluated, MonotonicTime, SessionOutputs&) {
  Bump();
  const Evaluation& evaluation = evaluated.evaluation;
  NoteSampling(evaluation);
  const bool fresh = evaluated_.insert({evaluation.kind, evaluation.chunk, evaluation.step}).second;
  if (fresh) outbox_.Add(evaluation, evaluated.path);
}

void TrainingRun::NoteSampling(const Evaluation& evaluation) {
  if (evaluation.kind != EvaluationKind::kHeldOut) return;
  sampled_chunk_ = evaluation.chunk + 1;
  sampling_ = evaluation.bias ? evaluation.bias->next_sampling : std::vector<SamplingWeight>();
}

void TrainingRun::On(const TrainerFinishedChunk& finished, MonotonicTime, SessionOutputs&) {
  if (finished.chunk.chunk != next_chunk_) return;
  outbox_.Add(finished.chunk);
  ++next_chunk_;
  consecutive_failures_ = 0;
  Bump();
  if (trainer_ == Trainer::kTraining) trainer_ = Trainer::kStarting;
}

void TrainingRun::On(const ChildHalted& halted, MonotonicTime, SessionOutputs& out) {
  trouble_ = halted.halted ? Cat("the trainer ", halted.reason, " at step ", at_.step) : "";
  out.push_back(Note{halted.halted, Cat("the trainer of ", specialist_, " ",
                                        halted.halted ? halted.reason : "goes on again")});
}

void TrainingRun::On(const ChildExited& exited, MonotonicTime now, SessionOutputs& out) {
  const bool stopping = trainer_ == Trainer::kStopping;
  trainer_ = Trainer::kNone;
  saving_ = false;
  if (done_ || failed_ || stopping) return;
  Failure failure = WhyItExited(failure_, "interceptor-train", exited);
  const bool full = IsDiskFull(failure);
  consecutive_failures_ += full ? 0 : 1;
  if (!failure.retryable || consecutive_failures_ >= kChildFailuresMax) {
    Fail(std::move(failure), out);
    return;
  }
  if (full) Bump();
  const absl::Duration pause = PauseAfter(consecutive_failures_, full);
  restart_at_ = now + pause;
  trouble_ = Cat(failure.text, " at step ", at_.step, "; started again after ", absl::FormatDuration(pause));
  out.push_back(Note{true, Cat(specialist_, ": ", trouble_)});
}

void TrainingRun::DeleteCheckpointsBefore(int64_t step, SessionOutputs& out) {
  std::erase_if(local_, [step, &out](const RunMemory::File& local) {
    if (local.step >= step) return false;
    out.push_back(DeleteFile{local.path});
    return true;
  });
}

void TrainingRun::OnSettled(const Outbox::Settled& settled, SessionOutputs& out) {
  Bump();
  if (settled.verdict != Outbox::Verdict::kAccepted) {
    if (std::holds_alternative<Failure>(settled.body)) return;
    const bool lost = settled.verdict == Outbox::Verdict::kLost;
    if (const auto* checkpoint = std::get_if<Checkpoint>(&settled.body); lost && checkpoint != nullptr) {
      std::erase_if(local_, [&](const RunMemory::File& local) { return local.blob == checkpoint->blob; });
    }
    Fail({.code = settled.status.code(),
          .text = Cat(lost ? "a result is lost: " : "the coordinator refuses: ", Message(settled.status)),
          .retryable = lost},
         out);
    return;
  }
  if (const auto* checkpoint = std::get_if<Checkpoint>(&settled.body)) {
    base_ = *checkpoint;
    DeleteCheckpointsBefore(checkpoint->step, out);
  }
}

Progress TrainingRun::Report(Phase phase) const {
  Progress report = at_;
  report.task = task_;
  report.phase = phase;
  report.activity = activity_;
  report.trouble = trouble_;
  return report;
}

}  // namespace interceptor::worker
