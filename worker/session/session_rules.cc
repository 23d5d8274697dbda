// The rules that run after every input: what is known now and not under way is started.
#include <algorithm>
#include <tuple>
#include <utility>

#include "common/base/status.h"
#include "worker/session/session.h"

namespace interceptor::worker {

void Session::ApplyRules() {
  if (plan_ && !draining_) {
    CheckGates();
    Refer();
    StartWork();
    GiveTurns();
    StartRound();
  }
  Remember();
  if (plan_) {
    Propose();
    SaveWhenOutOfTouch();
    SendFacts();
    Report();
  }
  LeaveWhenDone();
}

// Manifests built here that nobody has committed yet are proposed, once each.
void Session::Propose() {
  for (const StoredChunk& stored : chunks_.Unproposed()) {
    if (!manifests_.HasManifest(stored.manifest.chunk)) manifests_.Add(stored.manifest, stored.manifest_path);
  }
}

// A run that stands before a chunk nobody can train on says so instead of waiting for ever.
void Session::CheckGates() {
  for (const auto& [task, run] : runs_) {
    if (!run->active() || run->training() || run->next_chunk() >= chunks_.chunk_count()) continue;
    const ChunkTracker::GateState state = chunks_.Look(run->next_chunk());
    if (state.gate != ChunkTracker::Gate::kBroken) continue;
    if (state.difference && differences_logged_.insert(state.difference->local_path).second)
      out_.push_back(*state.difference);
    run->Fail(state.failure, out_);
  }
}

// The chunk a run trains and the one after it stay whole in the store.
void Session::Refer() {
  for (const auto& [task, run] : runs_) {
    if (!run->active()) continue;
    const int end = std::min(run->next_chunk() + 2, chunks_.chunk_count());
    for (int c = run->next_chunk(); c < end; ++c) {
      if (referred_[run->specialist()].insert(chunks_.Name(c)).second) {
        out_.push_back(ReferChunk{chunks_.Name(c), run->specialist()});
      }
    }
  }
}

void Session::StartWork() {
  std::set<int> wanted;
  for (const auto& [task, run] : runs_) {
    if (run->active() && run->next_chunk() < chunks_.chunk_count()) wanted.insert(run->next_chunk());
  }
  chunks_.WatchPreparer(now_, out_);
  chunks_.Prepare(wanted, now_, last_child_, out_);
  for (const auto& [task, run] : runs_) {
    run->FetchBase(now_, out_);
    if (HasChild(task) || !run->WantsTrainer(now_)) continue;
    const bool all_trained = run->next_chunk() >= chunks_.chunk_count();
    if (all_trained || chunks_.Look(run->next_chunk()).gate == ChunkTracker::Gate::kOpen) {
      run->StartTrainer(NewChild(task), out_);
    }
  }
}

// The device goes to the run that is furthest behind; between equals, to the one whose turn is longest ago.
void Session::GiveTurns() {
  for (int training = TrainingCount(); training < TurnsMax(); ++training) {
    TrainingRun* chosen = nullptr;
    for (const auto& [task, run] : runs_) {
      if (!run->WantsTurn() || run->next_chunk() >= chunks_.chunk_count()) continue;
      if (chunks_.Look(run->next_chunk()).gate != ChunkTracker::Gate::kOpen) continue;
      const auto rank = [this](const TrainingRun& each) {
        return std::tuple(each.next_chunk(), turn_taken_[each.task().task]);
      };
      if (chosen == nullptr || rank(*run) < rank(*chosen)) chosen = run.get();
    }
    if (chosen == nullptr) return;
    turn_taken_[chosen->task().task] = ++turns_;
    const int chunk = chosen->next_chunk();
    const std::string& name = chunks_.Name(chunk);
    chosen->GiveChunk(name, chunks_.Committed(name)->blob.hex, chunk + 1 == chunks_.chunk_count(), out_);
  }
}

void Session::StartRound() {
  if (!integration_) return;
  integration_->FetchTables(now_, out_);
  const std::string& task = integration_->task().task;
  if (!HasChild(task) && integration_->WantsChild(now_)) integration_->StartChild(NewChild(task), out_);
}

void Session::Remember() {
  for (const auto& [task, run] : runs_) {
    RunMemory memory = run->Memory();
    RunMemory& known = remembered_[run->specialist()];
    const auto again = memory_retry_at_.find(run->specialist());
    const bool retry = again != memory_retry_at_.end() && now_ >= again->second;
    if (!retry && (memory == known || (memory.empty() && known.empty()))) continue;
    known = memory;
    memory_retry_at_.erase(run->specialist());
    out_.push_back(RememberRun{run->specialist(), std::move(memory)});
  }
}

// In touch, the coordinator says when to save; out of touch the same clock runs here.
void Session::SaveWhenOutOfTouch() {
  if (InTouch()) return;
  for (const auto& [task, run] : runs_) {
    if (run->training() && run->SinceCapture() >= plan_->checkpoint_period) run->Save(out_);
  }
}

void Session::SendFacts() {
  if (!InTouch()) return;
  if (integration_) integration_->outbox().Advance(integration_->task(), now_, out_);
  for (const auto& [task, run] : runs_) run->outbox().Advance(run->task(), now_, out_);
  for (const auto& [task, run] : runs_) {
    if (!run->active()) continue;
    manifests_.Advance(run->task(), now_, out_);
    break;
  }
}

Phase Session::PhaseOf(const TrainingRun& run) const {
  if (run.training() || run.next_chunk() >= chunks_.chunk_count()) return run.trainer_phase();
  switch (chunks_.Look(run.next_chunk()).gate) {
    case ChunkTracker::Gate::kNotPrepared:
    case ChunkTracker::Gate::kNotCommitted:
      return Phase::kPreparing;
    case ChunkTracker::Gate::kNoFile:
    case ChunkTracker::Gate::kBroken:
      return chunks_.IsPreparing(run.next_chunk()) ? Phase::kPreparing : Phase::kWaitingForData;
    case ChunkTracker::Gate::kOpen:
      break;
  }
  return TrainingCount() >= TurnsMax() ? Phase::kWaitingForTurn : Phase::kTraining;
}

// At the cadence the coordinator asks for, and at once when a phase changes or something is wrong.
void Session::Report() {
  if (!InTouch()) return;
  const bool due = now_ >= report_at_;
  if (due) report_at_ = now_ + next_report_in_;
  bool has_task = integration_.has_value();
  for (const auto& [task, run] : runs_) {
    if (!run->active()) continue;
    has_task = true;
    Progress report = run->Report(PhaseOf(*run));
    if (report.trouble.empty() && report.phase == Phase::kPreparing) report.trouble = chunks_.trouble();
    ReportNews(std::move(report), due);
  }
  if (integration_) {
    if (due && !integration_->IsWorking()) integration_->Bump();
    ReportNews(integration_->Report(), due);
  }
  // A silent stream is closed, though a worker may have nothing to do for hours.
  if (due && !has_task) out_.push_back(SendChunkFiles{files_reported_});
}

void Session::ReportNews(Progress report, bool due) {
  const Reported news{report.phase, report.trouble};
  const auto reported = reported_.find(report.task.task);
  if (!due && reported != reported_.end() && reported->second == news) return;
  reported_[report.task.task] = news;
  out_.push_back(SendProgress{std::move(report)});
}

void Session::LeaveWhenDone() {
  if (!draining_ || HasChildren()) return;
  const bool round_published = !integration_ || integration_->outbox().empty();
  // Manifests are proposed under a run that is active; without one nothing is waited for.
  const bool proposed = manifests_.empty() ||
                        std::ranges::none_of(runs_, [](const auto& entry) { return entry.second->active(); });
  const bool published = round_published && proposed && std::ranges::all_of(runs_, [](const auto& entry) {
                           return entry.second->outbox().empty();
                         });
  if (!published && InTouch() && !draining_->hurry && now_ < draining_->give_up_at) return;
  if (InTouch()) out_.push_back(SendGoodbye{draining_->reason});
  out_.push_back(Leave{draining_->reason});
  left_ = true;
}

std::optional<MonotonicTime> Session::NextWake() const {
  if (left_) return std::nullopt;
  std::optional<MonotonicTime> wake;
  // The rules have run for now_: what is due and was not done waits for another input, not for time.
  const auto consider = [this, &wake](std::optional<MonotonicTime> time) {
    if (time && *time > now_ && (!wake || *time < *wake)) wake = time;
  };
  if (draining_) consider(draining_->give_up_at);
  if (integration_ && !draining_) consider(integration_->NextWake());
  for (const auto& [specialist, time] : memory_retry_at_) consider(time);
  if (!draining_) consider(chunks_.NextWake());
  for (const auto& [task, run] : runs_) {
    if (!draining_) consider(run->NextWake());
    if (InTouch()) consider(run->outbox().NextWake());
  }
  if (!InTouch()) return wake;
  if (integration_) consider(integration_->outbox().NextWake());
  consider(report_at_);
  consider(manifests_.NextWake());
  return wake;
}

}  // namespace interceptor::worker
