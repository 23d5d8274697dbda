#include "worker/session/session.h"

#include <algorithm>
#include <utility>

#include "common/base/status.h"

namespace interceptor::worker {
namespace {

// How long a stopping agent tries to send the coordinator what is unpublished.
constexpr absl::Duration kStopLimit = absl::Seconds(60);
constexpr absl::Duration kDrainLimit = absl::Minutes(10);

}  // namespace

Session::Session(std::string incarnation) : incarnation_(std::move(incarnation)), manifests_(incarnation_) {}

SessionOutputs Session::Handle(const SessionInput& input, MonotonicTime now) {
  now_ = now;
  out_.clear();
  if (left_) return {};
  std::visit([this](const auto& value) { On(value); }, input);
  ApplyRules();
  return std::exchange(out_, {});
}

// --- the coordinator ---

void Session::On(const Connected&) {
  SendHello hello;
  for (const auto& [task, run] : runs_) {
    if (run->active() || !run->outbox().empty()) hello.held.push_back(run->task());
  }
  if (integration_) hello.held.push_back(integration_->task());
  if (plan_) hello.plan_digest = plan_->digest;
  hello.files = files_reported_ = chunks_.files();
  out_.push_back(std::move(hello));
}

void Session::On(const Disconnected&) {
  welcomed_ = false;
  manifests_.Disconnect();
  for (const auto& [task, run] : runs_) run->outbox().Disconnect();
  if (integration_) integration_->outbox().Disconnect();
}

void Session::On(const Welcomed& welcomed) {
  if (plan_ && plan_->digest != welcomed.plan.digest) {
    out_.push_back(Note{true, Cat("the coordinator now runs another plan, ", welcomed.plan.digest,
                                  ", than this worker, ", plan_->digest, ": leaving")});
    StartDraining("another plan", absl::ZeroDuration());
    return;
  }
  welcomed_ = true;
  plan_ = welcomed.plan;
  chunks_.SetPlan(welcomed.plan.chunks, welcomed.chunk_sha256, welcomed.plan.stall);
  // All that hold: a coordinator put back from a copy may lack some that it knew.
  chunks_.ForgetCommitted();
  for (const DataManifest& manifest : welcomed.manifests) On(ManifestCommitted{manifest});
  next_report_in_ = welcomed.next_report_in;
  report_at_ = now_;
  ReportFiles();
}

void Session::On(const Assigned& assigned) {
  if (SpecialistOf(assigned.task.task).empty()) return AssignIntegration(assigned);
  chunks_.ClearFailures(assigned.next_chunk);
  const auto found = runs_.find(assigned.task.task);
  if (found != runs_.end()) {
    if (assigned.task.term < found->second->task().term) return;
    if (found->second->Continues(assigned)) {
      found->second->Renew(assigned);
      manifests_.Disconnect();
      return;
    }
    RemoveRun(assigned.task.task,
              Cat("granted anew from chunk ", assigned.next_chunk, ", term ", assigned.task.term));
  }
  out_.push_back(Note{false, Cat("task ", assigned.task.task, ", term ", assigned.task.term,
                                 ", from chunk index ", assigned.next_chunk)});
  auto run = std::make_unique<TrainingRun>(assigned, incarnation_);
  if (!assigned.memory.empty()) TakeUp(assigned, run);
  runs_[assigned.task.task] = std::move(run);
}

void Session::AssignIntegration(const Assigned& assigned) {
  if (integration_ && integration_->task().term > assigned.task.term) return;
  if (integration_ && !integration_->Continues(assigned)) DropIntegration();
  if (!integration_) integration_.emplace(assigned, incarnation_);
  integration_->Renew(assigned);
}

// Goes on where an earlier start of this agent stood, if the grant leads there; else its files go.
void Session::TakeUp(const Assigned& assigned, std::unique_ptr<TrainingRun>& run) {
  remembered_[run->specialist()] = assigned.memory;
  auto earlier = std::make_unique<TrainingRun>(assigned, incarnation_);
  earlier->Recall(assigned.memory);
  const bool has_base = !assigned.base || HoldsBlob(assigned.memory.files, assigned.base->blob);
  if (has_base && earlier->Continues(assigned)) {
    earlier->Renew(assigned);
    run = std::move(earlier);
  } else {
    earlier->Abandon(out_);
  }
}

void Session::On(const SaveNowAsked& asked) {
  if (TrainingRun* run = FindRun(asked.task)) run->Save(out_);
}

void Session::On(const DrainAsked& asked) { StartDraining(asked.reason, kDrainLimit); }

void Session::On(const Dropped& dropped) {
  if (integration_ && integration_->task().task == dropped.task.task) {
    if (integration_->task().term <= dropped.task.term) DropIntegration();
    return;
  }
  const auto run = runs_.find(dropped.task.task);
  if (run == runs_.end() || run->second->task().term > dropped.task.term) return;
  RemoveRun(dropped.task.task, dropped.reason);
}

void Session::On(const Answered& answer) {
  if (integration_) {
    const auto settled = integration_->outbox().OnAnswer(answer, integration_->task(), now_);
    // Granted anew, it joins the round again and reports it.
    if (settled && settled->verdict != Outbox::Verdict::kAccepted) DropIntegration();
    if (settled) return;
  }
  for (const auto& [task, run] : runs_) {
    const auto settled = run->outbox().OnAnswer(answer, run->task(), now_);
    if (!settled) continue;
    if (settled->verdict == Outbox::Verdict::kStale) {
      RemoveRun(std::string(task), Message(answer.status));
      return;
    }
    run->OnSettled(*settled, out_);
    const auto* finished = std::get_if<ChunkFinished>(&settled->body);
    if (finished == nullptr || settled->verdict != Outbox::Verdict::kAccepted) return;
    const std::string& chunk = chunks_.Name(finished->chunk);
    referred_[run->specialist()].erase(chunk);
    out_.push_back(ReleaseChunk{chunk, run->specialist()});
    return;
  }
  // A manifest may be proposed under any held task: its id names that one.
  for (const auto& [task, run] : runs_) {
    const auto settled = manifests_.OnAnswer(answer, run->task(), now_);
    if (!settled) continue;
    if (settled->verdict == Outbox::Verdict::kStale) {
      RemoveRun(std::string(task), Message(answer.status));
      return;
    }
    const auto& manifest = std::get<DataManifest>(settled->body);
    if (settled->verdict == Outbox::Verdict::kAccepted) chunks_.Commit(manifest);
    if (settled->verdict == Outbox::Verdict::kRefused) {
      run->Fail({.code = settled->status.code(),
                 .text = Cat("chunk ", manifest.chunk, ": ", Message(settled->status)),
                 .retryable = false},
                out_);
    }
    return;
  }
}

void Session::On(const ManifestCommitted& committed) {
  chunks_.Commit(committed.manifest);
  manifests_.ForgetManifest(committed.manifest.chunk);
}

void Session::On(const RoundIsReady& ready) {
  const int chunk = ready.round.chunk;
  if (!integration_ || chunk < 0 || chunk >= chunks_.chunk_count()) return;
  integration_->OnRoundReady(ready.round, chunks_.Name(chunk));
}

// --- this box ---

void Session::On(const ChunkFilesSeen& seen) {
  chunks_.SetFiles(seen.files);
  if (InTouch()) ReportFiles();
}

void Session::ReportFiles() {
  if (chunks_.files() == files_reported_) return;
  files_reported_ = chunks_.files();
  out_.push_back(SendChunkFiles{files_reported_});
}

void Session::On(const BlobUploaded& uploaded) {
  if (!uploaded.status.ok()) {
    out_.push_back(Note{true, Cat("uploading blob ", uploaded.blob.hex, ": ", Message(uploaded.status))});
  }
  manifests_.OnUploaded(uploaded, now_);
  for (const auto& [task, run] : runs_) {
    if (const auto settled = run->outbox().OnUploaded(uploaded, now_)) run->OnSettled(*settled, out_);
  }
}

void Session::On(const BlobFetched& fetched) {
  if (integration_) integration_->On(fetched, now_, out_);
  for (const auto& [task, run] : runs_) run->On(fetched, now_, out_);
}

void Session::On(const StopAsked&) {
  if (draining_) {
    draining_->hurry = true;
  } else {
    StartDraining("stopped", kStopLimit);
  }
}

// --- children ---

void Session::On(const PreparerMoved& moved) {
  if (chunks_.OnMoved(moved)) BumpWaiting();
}

void Session::On(const TrainerMoved& moved) {
  if (RunOf(moved.child) == nullptr) return;
  ToOwner(moved);
  BumpWaiting();
}

void Session::On(const ChildFailed& failed) {
  if (!chunks_.OnFailed(failed)) ToOwner(failed);
}

void Session::On(const ChildExited& exited) {
  // Bounded: a preparer is not started again for ever, unless for want of space.
  if (chunks_.OnExited(exited, now_, out_)) return BumpWaiting();
  ToOwner(exited);
  child_tasks_.erase(exited.child);
}

// --- helpers of the inputs ---

TrainingRun* Session::FindRun(const TaskRef& task) {
  const auto run = runs_.find(task.task);
  return run != runs_.end() && run->second->task() == task ? run->second.get() : nullptr;
}

TrainingRun* Session::RunOf(ChildId child) {
  const auto task = child_tasks_.find(child);
  if (task == child_tasks_.end()) return nullptr;
  const auto run = runs_.find(task->second);
  return run != runs_.end() && run->second->IsTrainer(child) ? run->second.get() : nullptr;
}

Integration* Session::IntegrationOf(ChildId child) {
  return integration_ && child_tasks_.contains(child) && integration_->child() == child ? &*integration_
                                                                                        : nullptr;
}

ChildId Session::NewChild(const std::string& task) {
  child_tasks_[++last_child_] = task;
  return last_child_;
}

bool Session::HasChild(std::string_view task) const {
  return std::ranges::any_of(child_tasks_, [task](const auto& entry) { return entry.second == task; });
}

void Session::DropIntegration() {
  if (integration_->child() != 0) out_.push_back(StopChild{integration_->child(), StopKind::kAtOnce});
  reported_.erase(integration_->task().task);
  integration_.reset();
}

void Session::RemoveRun(const std::string& task, const std::string& why) {
  const auto found = runs_.find(task);
  TrainingRun& run = *found->second;
  out_.push_back(Note{false, Cat("dropping ", task, ", term ", run.task().term, ": ", why)});
  run.Abandon(out_);
  for (const std::string& chunk : std::exchange(referred_[run.specialist()], {})) {
    out_.push_back(ReleaseChunk{chunk, run.specialist()});
  }
  if (remembered_.erase(run.specialist()) > 0) out_.push_back(RememberRun{run.specialist(), {}});
  reported_.erase(task);
  manifests_.Disconnect();  // a proposal under this task is made again under another
  runs_.erase(found);
}

void Session::StartDraining(const std::string& reason, absl::Duration limit) {
  if (draining_) return;
  draining_ = Draining{.reason = reason, .give_up_at = now_ + limit};
  chunks_.StopPreparer(out_);
  for (const auto& [task, run] : runs_) run->StopTrainer(out_);
  if (integration_) integration_->StopChild(out_);
}

void Session::BumpWaiting() {
  for (const auto& [task, run] : runs_) {
    if (!run->training()) run->Bump();
  }
}

int Session::TrainingCount() const {
  return static_cast<int>(
      std::ranges::count_if(runs_, [](const auto& entry) { return entry.second->training(); }));
}

}  // namespace interceptor::worker
