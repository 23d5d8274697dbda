#include "worker/session/session.h"

#include <algorithm>
#include <tuple>
#include <utility>
#include <vector>

#include "common/base/status.h"

namespace interceptor::worker {
namespace {

// How long a stopping agent tries to tell the coordinator what it still has to tell.
constexpr absl::Duration kStopLimit = absl::Seconds(60);
constexpr absl::Duration kRoundRetry = absl::Seconds(10);
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
  if (integration_) hello.held.push_back(integration_->task);
  if (plan_) hello.plan_digest = plan_->digest;
  hello.files = files_told_ = desk_.files();
  out_.push_back(std::move(hello));
}

void Session::On(const Disconnected&) {
  welcomed_ = false;
  manifests_.Disconnect();
  for (const auto& [task, run] : runs_) run->outbox().Disconnect();
  if (integration_) integration_->outbox.Disconnect();
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
  desk_.SetPlan(welcomed.plan.chunks, welcomed.chunk_sha256, welcomed.plan.stall);
  // All that hold: a coordinator put back from a copy may lack some that it knew.
  desk_.ForgetCommitted();
  for (const DataManifest& manifest : welcomed.manifests) On(ManifestCommitted{manifest});
  next_report_in_ = welcomed.next_report_in;
  report_at_ = now_;
  TellFiles();
}

void Session::On(const Assigned& assigned) {
  if (SpecialistOfTask(assigned.task.task).empty()) {
    if (integration_ && integration_->task.term > assigned.task.term) return;
    if (!integration_ || integration_->next_round < assigned.next_chunk) {
      integration_.emplace(
          Integration{assigned.task, assigned.next_chunk, {}, std::nullopt, {}, 0, Outbox(incarnation_)});
    }
    integration_->task = assigned.task;
    integration_->outbox.Disconnect();
    integration_->outbox.ForgetChunksBefore(assigned.next_chunk);
    return;
  }
  desk_.Forgive(assigned.next_chunk);
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

// Goes on where an earlier start of this agent stood, if the grant leads there; else its files go.
void Session::TakeUp(const Assigned& assigned, std::unique_ptr<TrainingRun>& run) {
  remembered_[run->specialist()] = assigned.memory;
  auto earlier = std::make_unique<TrainingRun>(assigned, incarnation_);
  earlier->Recall(assigned.memory);
  const bool has_base =
      !assigned.base ||
      std::any_of(assigned.memory.files.begin(), assigned.memory.files.end(),
                  [&assigned](const RunMemory::File& file) { return file.blob == assigned.base->blob; });
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
  if (integration_ && integration_->task.task == dropped.task.task) {
    if (integration_->task.term <= dropped.task.term) integration_.reset();
    return;
  }
  const auto run = runs_.find(dropped.task.task);
  if (run == runs_.end() || run->second->task().term > dropped.task.term) return;
  RemoveRun(dropped.task.task, dropped.reason);
}

void Session::On(const Answered& answer) {
  if (integration_) {
    const auto settled = integration_->outbox.OnAnswer(answer, integration_->task, now_);
    if (settled && settled->verdict == Outbox::Verdict::kStale) integration_.reset();
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
    const std::string& chunk = desk_.Name(finished->chunk);
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
    if (settled->verdict == Outbox::Verdict::kAccepted) desk_.Commit(manifest);
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
  desk_.Commit(committed.manifest);
  manifests_.ForgetManifest(committed.manifest.chunk);
}

void Session::On(const RoundIsReady& round) {
  if (!integration_ || round.chunk < integration_->next_round) return;
  if (integration_->under_way && integration_->under_way->chunk == round.chunk) return;
  integration_->ready[round.chunk] = round;
}

// --- this box ---

void Session::On(const ChunkFilesSeen& seen) {
  desk_.SetFiles(seen.files);
  if (InTouch()) TellFiles();
}

void Session::TellFiles() {
  if (desk_.files() == files_told_) return;
  files_told_ = desk_.files();
  out_.push_back(SendChunkFiles{files_told_});
}

void Session::On(const BlobUploaded& uploaded) {
  if (!uploaded.status.ok()) {
    out_.push_back(Note{true, Cat("uploading blob ", uploaded.blob.hex, ": ", Message(uploaded.status))});
  }
  manifests_.OnUploaded(uploaded, now_);
  for (const auto& [task, run] : runs_) run->outbox().OnUploaded(uploaded, now_);
}

void Session::On(const BlobFetched& fetched) {
  for (const auto& [task, run] : runs_) run->OnFetched(fetched, now_, out_);
}

void Session::On(const RoundIntegrated& integrated) {
  if (!integrated.status.ok()) {
    out_.push_back(Note{true, Cat("round ", integrated.chunk, ": ", Message(integrated.status))});
  }
  if (!integration_ || !integration_->under_way || integration_->under_way->chunk != integrated.chunk) return;
  const RoundIsReady round = *std::exchange(integration_->under_way, std::nullopt);
  if (!integrated.status.ok()) {
    integration_->ready[round.chunk] = round;
    integration_->not_before = now_ + kRoundRetry;
    return;
  }
  ++integration_->activity;
  integration_->next_round = integrated.chunk + 1;
  integration_->outbox.Add(ChunkFinished{.chunk = integrated.chunk, .step = 0, .training_seconds = 0});
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
  if (desk_.OnMoved(moved)) BumpWaiting();
}

void Session::On(const TrainerReady& ready) {
  for (const auto& [task, run] : runs_) {
    if (run->OnReady(ready, out_)) return;
  }
}

void Session::On(const TrainerMoved& moved) {
  for (const auto& [task, run] : runs_) {
    if (run->OnMoved(moved)) BumpWaiting();
  }
}

void Session::On(const TrainerSaved& saved) {
  for (const auto& [task, run] : runs_) {
    if (run->OnSaved(saved, out_)) return;
  }
}

void Session::On(const TrainerEvaluated& evaluated) {
  for (const auto& [task, run] : runs_) {
    if (run->OnEvaluated(evaluated)) return;
  }
}

void Session::On(const TrainerFinishedChunk& finished) {
  for (const auto& [task, run] : runs_) {
    if (run->OnFinishedChunk(finished)) return;
  }
}

void Session::On(const TrainerFinished& finished) {
  for (const auto& [task, run] : runs_) {
    if (run->OnFinished(finished)) return;
  }
}

void Session::On(const ChildFailed& failed) {
  if (desk_.OnFailed(failed)) return;
  for (const auto& [task, run] : runs_) {
    if (run->OnFailed(failed)) return;
  }
}

void Session::On(const ChildHalted& halted) {
  for (const auto& [task, run] : runs_) {
    if (run->OnHalted(halted, out_)) return;
  }
}

void Session::On(const ChildExited& exited) {
  if (leaving_.erase(exited.child) > 0) return;
  if (desk_.OnExited(exited, now_, out_)) {
    // Bounded: a preparer is not started again for ever, unless for want of space.
    BumpWaiting();
    return;
  }
  for (const auto& [task, run] : runs_) {
    if (run->OnExited(exited, now_, out_)) return;
  }
}

// --- helpers of the inputs ---

TrainingRun* Session::FindRun(const TaskRef& task) {
  const auto run = runs_.find(task.task);
  return run != runs_.end() && run->second->task() == task ? run->second.get() : nullptr;
}

void Session::RemoveRun(const std::string& task, const std::string& why) {
  const auto found = runs_.find(task);
  TrainingRun& run = *found->second;
  out_.push_back(Note{false, Cat("dropping ", task, ", term ", run.task().term, ": ", why)});
  if (run.has_trainer()) leaving_[run.child()] = run.specialist();
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
  desk_.StopPreparer(out_);
  for (const auto& [task, run] : runs_) run->StopTrainer(out_);
}

void Session::BumpWaiting() {
  for (const auto& [task, run] : runs_) {
    if (!run->training()) run->Bump();
  }
}

bool Session::HasChildren() const {
  return desk_.HasPreparer() || !leaving_.empty() ||
         std::any_of(runs_.begin(), runs_.end(),
                     [](const auto& entry) { return entry.second->has_trainer(); });
}

int Session::TrainingCount() const {
  return static_cast<int>(
      std::count_if(runs_.begin(), runs_.end(), [](const auto& entry) { return entry.second->training(); }));
}

}  // namespace interceptor::worker
