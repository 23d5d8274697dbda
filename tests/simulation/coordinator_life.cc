// How the coordinator's process starts, dies and is looked after; coordinator/runtime/start.cc is the model.
#include <utility>

#include "common/base/status.h"
#include "coordinator/core/queries.h"
#include "coordinator/journal/event_codec.h"
#include "tests/simulation/coordinator_host.h"

namespace interceptor::simulation {
void CoordinatorHost::Start() {
  if (process_.alive()) return;
  process_.Begin();
  state_ = {};
  checks_.commands.Died();
  queue_.clear();
  woken_ = syncing_ = false;
  stuck_.reset();
  ended_while_stuck_.clear();
  sinks_.clear();
  boxes_.clear();
  streams_.clear();
  releases_to_live_.reset();
  fail_next_sync_ = false;
  last_session_ = 0;
  process_.Tell("starts");
  if (const absl::Status status = Recover(); !status.ok()) {
    world_.Violate("a coordinator starts on its own journal", Message(status));
  }
}

absl::Status CoordinatorHost::Recover() {
  ICPT_ASSIGN_OR_RETURN(const std::vector<coordinator::Fact> found, journal_.Recover());
  for (const coordinator::Fact& fact : found) coordinator::Apply(state_, fact);
  const size_t known = checks_.journal.history().size();
  checks_.journal.Recovered(found, state_.facts);
  for (size_t i = known; i < checks_.journal.history().size(); ++i) {
    checks_.commands.Recovered(checks_.journal.history()[i]);
  }
  if (world_.violation()) return absl::OkStatus();
  const MonotonicTime now = Now();
  ICPT_ASSIGN_OR_RETURN(
      coordinator::Decision decision,
      coordinator::Decide(state_,
                          {machine_.WallTime(), coordinator::StartCommand{options_.plan, draws_.Id()}}, now));
  Batch batch;
  for (coordinator::Event& event : decision.events) {
    coordinator::Apply(state_, event);
    if (coordinator::IsDurable(event)) batch.facts.push_back(std::get<coordinator::Fact>(event));
  }
  RewriteStarted(mutant_, state_, now);
  checks_.commands.Watching(machine_.Now());
  next_tick_ = next_space_report_ = last_tick_ = machine_.Now();
  if (!ballast_stowed_ && FreeBytes() >= 2 * kBallastBytes) ballast_stowed_ = true;
  Tick();
  if (!Append(batch.facts)) {
    stuck_ = std::move(batch);
    return absl::OkStatus();
  }
  // Nothing is served before the start is durable, so its sync takes no time here.
  journal_.Sync();
  checks_.journal.Synced(batch.facts, state_.facts);
  checks_.journal.Released(state_.facts.events);
  CheckBlobs();
  return absl::OkStatus();
}

void CoordinatorHost::CheckBlobs() {
  const std::vector<Digest> referenced = coordinator::ReferencedBlobs(state_.facts);
  for (const Digest& gone : vault_.Sweep(referenced, machine_.WallTime() - options_.orphan_age)) {
    process_.Tell(Cat("sweeps blob ", gone.hex.substr(0, 8)));
    checks_.facts.Removed(gone, true, checks_.journal.durable().facts);
  }
  for (const Digest& blob : referenced) {
    if (vault_.Has(blob) || state_.facts.removals.contains(blob)) continue;
    process_.Tell(Cat("misses blob ", blob.hex.substr(0, 8)));
    Submit(coordinator::BlobChecked{blob, false}, nullptr);
  }
}

void CoordinatorHost::Kill(bool power, absl::Duration down) {
  if (!process_.alive()) return;
  process_.Tell(power ? "loses power" : "is killed");
  journal_.Crash(power);
  if (power) vault_.PowerLoss();
  process_.End();
  for (const std::weak_ptr<ServerStream>& each : streams_) {
    if (const std::shared_ptr<ServerStream> stream = each.lock()) stream->Lose(world_, power);
  }
  world_.After(down, [this] { Start(); });
}

void CoordinatorHost::Die(absl::Duration down) { Kill(false, down); }

void CoordinatorHost::StopInOrder(absl::Duration down) {
  if (!process_.alive() || syncing_) return;
  process_.Tell("stops in order");
  for (const auto& [session, stream] : std::exchange(sinks_, {})) stream->Close(Unavailable("going down"));
  process_.End();
  for (const std::weak_ptr<ServerStream>& each : streams_) {
    if (const std::shared_ptr<ServerStream> stream = each.lock()) stream->Lose(world_, false);
  }
  world_.After(down, [this] { Start(); });
}

void CoordinatorHost::DieWhileReleasing(int releases, absl::Duration down) {
  releases_to_live_ = releases;
  down_after_fault_ = down;
}

void CoordinatorHost::FailNextSync(absl::Duration down) {
  fail_next_sync_ = true;
  down_after_fault_ = down;
}

void CoordinatorHost::Maintain() {
  // A dead one's last frame may be torn, and is cut off by the next start.
  if (!process_.alive()) return;
  const std::string before = journal_.durable();
  checks_.journal.BackedUp(before);
  size_t whole = 0;
  const auto facts = JournalDisk::Read(before, whole);
  if (!facts.ok() || facts->empty()) return;
  coordinator::State copy;
  for (const coordinator::Fact& fact : *facts) coordinator::Apply(copy, fact);
  coordinator::PlanFacts other = options_.plan;
  other.digest = DigestOf("another plan").hex;
  const auto started =
      coordinator::Decide(copy, {absl::UnixEpoch(), coordinator::StartCommand{other, "x"}}, {});
  if (!absl::IsFailedPrecondition(started.status())) {
    world_.Violate("I30 a folder of another plan is refused", started.status().ToString());
  }
  // A newer version's record: an event kind that this one does not know, field 1000 of the record.
  const std::string unknown = {'\xC2', '\x3E', '\x00'};
  const auto newer = JournalDisk::Read(before + JournalDisk::Frame({unknown}), whole);
  if (newer.ok()) world_.Violate("I30 a newer version's journal is refused", "its record was taken");
}

}  // namespace interceptor::simulation
