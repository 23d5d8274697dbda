#include "worker/session/integration.h"

#include <utility>

#include "common/base/status.h"
#include "worker/session/chunk_tracker.h"

namespace interceptor::worker {

Integration::Integration(const Assigned& assigned, std::string nonce)
    : task_(assigned.task), next_round_(assigned.next_chunk), outbox_(std::move(nonce)) {}

void Integration::Renew(const Assigned& assigned) {
  task_ = assigned.task;
  outbox_.Disconnect();
  outbox_.ForgetChunksBefore(assigned.next_chunk);
}

void Integration::OnRoundReady(const Round& round, const std::string& name) {
  if (round.chunk >= next_round_) rounds_.try_emplace(round.chunk, Joining{.round = round, .name = name});
}

void Integration::FetchTables(MonotonicTime now, SessionOutputs& out) {
  if (IsWorking() || rounds_.empty() || (not_before_ && now < *not_before_)) return;
  const Joining& joining = rounds_.begin()->second;
  if (joining.tables == joining.round.evaluations.size()) return;
  not_before_.reset();
  fetching_ = true;
  const Evaluation& evaluation = joining.round.evaluations[joining.tables];
  out.push_back(FetchTable{joining.name, evaluation.specialist, evaluation.score_table});
}

void Integration::On(const BlobFetched& fetched, MonotonicTime now, SessionOutputs& out) {
  if (!fetching_) return;
  Joining& joining = rounds_.begin()->second;
  const Evaluation& evaluation = joining.round.evaluations[joining.tables];
  if (fetched.blob != evaluation.score_table) return;
  fetching_ = false;
  if (fetched.status.ok()) {
    ++joining.tables;
    Bump();
    return;
  }
  TryAgain(Cat("the score table of ", evaluation.specialist, ": ", Message(fetched.status)),
           absl::IsResourceExhausted(fetched.status), now, out);
}

bool Integration::WantsChild(MonotonicTime now) const {
  if (IsWorking() || rounds_.empty() || (not_before_ && now < *not_before_)) return false;
  const Joining& joining = rounds_.begin()->second;
  return joining.tables == joining.round.evaluations.size();
}

void Integration::StartChild(ChildId child, SessionOutputs& out) {
  not_before_.reset();
  failure_.reset();
  stopping_ = joined_ = false;
  done_ = 0;
  child_ = child;
  const Joining& joining = rounds_.begin()->second;
  out.push_back(StartIntegrator{child, joining.name, joining.round});
}

void Integration::StopChild(SessionOutputs& out) {
  if (child_ == 0 || std::exchange(stopping_, true)) return;
  out.push_back(worker::StopChild{child_, StopKind::kSaveAndLeave});
}

void Integration::On(const IntegratorMoved& moved, MonotonicTime, SessionOutputs&) {
  if (std::exchange(done_, moved.done) == moved.done) return;
  Bump();
  trouble_.clear();
}

void Integration::On(const RoundJoined&, MonotonicTime, SessionOutputs& out) {
  const Joining& joining = rounds_.begin()->second;
  std::vector<std::string> present;
  for (const Evaluation& evaluation : joining.round.evaluations) present.push_back(evaluation.specialist);
  const std::string absent = DescribeAbsent(joining.round.absent);
  out.push_back(Note{!absent.empty(), Cat("round ", joining.name, ": joined ", ListSpecialists(present),
                                          absent.empty() ? "" : " ", absent)});
  Bump();
  trouble_.clear();
  joined_ = true;
  consecutive_failures_ = 0;
  next_round_ = joining.round.chunk + 1;
  outbox_.Add(ChunkFinished{.chunk = joining.round.chunk, .step = 0, .training_seconds = 0});
  rounds_.erase(rounds_.begin());
}

void Integration::On(const ChildHalted& halted, MonotonicTime, SessionOutputs& out) {
  trouble_ = halted.halted ? Cat("interceptor-integrate ", halted.reason) : "";
  out.push_back(
      Note{halted.halted, halted.halted ? trouble_ : std::string("interceptor-integrate goes on again")});
}

void Integration::On(const ChildExited& exited, MonotonicTime now, SessionOutputs& out) {
  child_ = 0;
  if (stopping_ || joined_) return;
  // Fetched again: one of them may have been damaged on this disk.
  rounds_.begin()->second.tables = 0;
  const Failure failure = WhyItExited(failure_, "interceptor-integrate", exited);
  TryAgain(failure.text, IsDiskFull(failure), now, out);
}

void Integration::TryAgain(const std::string& why, bool disk_full, MonotonicTime now, SessionOutputs& out) {
  consecutive_failures_ += disk_full ? 0 : 1;
  const absl::Duration pause = PauseAfter(consecutive_failures_, disk_full);
  not_before_ = now + pause;
  trouble_ = Cat("joining round ", rounds_.begin()->second.name, ": ", why, "; tried again after ",
                 absl::FormatDuration(pause));
  out.push_back(Note{true, trouble_});
}

Progress Integration::Report() const {
  return {.task = task_, .phase = Phase::kIntegrating, .activity = activity_, .trouble = trouble_};
}

}  // namespace interceptor::worker
