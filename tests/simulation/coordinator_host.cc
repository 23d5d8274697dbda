#include "tests/simulation/coordinator_host.h"

#include <algorithm>
#include <utility>

#include "common/base/status.h"
#include "coordinator/core/queries.h"

namespace interceptor::simulation {
namespace {

constexpr size_t kBatchMax = 512;
constexpr absl::Duration kSpaceInterval = absl::Seconds(5);
constexpr absl::Duration kStuckInterval = absl::Seconds(1);
constexpr int64_t kDiskBytes = 400'000'000;
constexpr int64_t kVaultReserveBytes = 1'000'000;

template <typename Command>
constexpr bool kIsRequest = requires(const Command& command) {
  command.request_id;
};

bool IsRequest(const coordinator::CommandBody& body) {
  return std::visit([]<typename Command>(const Command&) { return kIsRequest<Command>; }, body);
}

absl::Status ReadOnly() { return ResourceExhausted("the coordinator is read-only: the disk is full"); }

}  // namespace

CoordinatorHost::CoordinatorHost(World& world, const Options& options, Mutant mutant)
    : world_(world),
      options_(options),
      mutant_(mutant),
      draws_(options.seed, "coordinator"),
      machine_(world, Draws(options.seed, "coordinator's machine")),
      process_(world, "coordinator"),
      journal_(Draws(options.seed, "journal")),
      vault_(Draws(options.seed, "vault")),
      checks_(world, options, vault_) {}

void CoordinatorHost::Submit(coordinator::CommandBody body, Answer answer) {
  queue_.push_back({std::move(body), std::move(answer)});
  Wake();
}

void CoordinatorHost::Wake() {
  if (woken_ || syncing_ || !process_.alive()) return;
  woken_ = true;
  process_.Post(draws_.Between(absl::Microseconds(50), absl::Milliseconds(2)), [this] { RunBatch(); });
}

void CoordinatorHost::Tick() {
  process_.Post(machine_.InWorld(options_.timing.tick), [this] { Tick(); });
  Wake();
}

void CoordinatorHost::RunBatch() {
  woken_ = false;
  if (syncing_) return;
  std::deque<Item> items;
  while (!queue_.empty() && items.size() < kBatchMax) {
    items.push_back(std::move(queue_.front()));
    queue_.pop_front();
  }
  if (stuck_) {
    RefuseWhileStuck(std::move(items));
    if (machine_.Now() >= next_tick_) RetryStuck();
    return;
  }
  Batch batch;
  for (Item& item : items) DecideOne(std::move(item), batch);
  const MonotonicTime now = machine_.Now();
  if (now >= next_space_report_) ReportSpace(batch);
  if (now >= next_tick_ || batch.tick_soon) {
    next_tick_ = now + options_.timing.tick;
    // An absence of its own, as coordinator/core/limits.h bounds it, gives every lease a fresh start.
    if (now - last_tick_ > std::max(options_.plan.lease_ttl / 3, absl::Seconds(3)))
      checks_.commands.Watching(now);
    last_tick_ = now;
    DecideOne({coordinator::TickCommand{}, nullptr}, batch);
  }
  Commit(std::move(batch));
  if (!queue_.empty()) Wake();
}

void CoordinatorHost::LookIntoVault(coordinator::CommandBody& body) const {
  const auto look = [this](const Digest& blob) {
    return mutant_ == Mutant::kUnverifiedBlob || vault_.Has(blob);
  };
  if (auto* manifest = std::get_if<coordinator::ManifestProposed>(&body)) {
    manifest->blob_verified = look(manifest->manifest.blob);
  } else if (auto* checkpoint = std::get_if<coordinator::CheckpointProposed>(&body)) {
    checkpoint->blob_verified = look(checkpoint->checkpoint.blob);
  } else if (auto* evaluation = std::get_if<coordinator::EvaluationReported>(&body)) {
    evaluation->blob_verified = look(evaluation->evaluation.score_table);
  }
}

MonotonicTime CoordinatorHost::Now() const {
  return mutant_ == Mutant::kWallClock ? MonotonicTime{machine_.WallTime() - absl::UnixEpoch()}
                                       : machine_.Now();
}

void CoordinatorHost::DecideOne(Item item, Batch& batch) {
  if (world_.violation()) return;
  if (!ballast_stowed_ && IsRequest(item.body)) {
    if (item.answer) item.answer(ReadOnly());
    return;
  }
  checks_.commands.Deciding(item.body, state_);
  LookIntoVault(item.body);
  Rewrite(mutant_, {state_, boxes_, draws_}, item.body);
  absl::StatusOr<coordinator::Decision> decision =
      coordinator::Decide(state_, {machine_.WallTime(), std::move(item.body)}, Now());
  if (decision.ok()) {
    Rewrite(mutant_, state_, decision->events);
    Rewrite(mutant_, decision->effects);
  }
  checks_.commands.Decided(decision, machine_.Now());
  if (!decision.ok()) {
    batch.releases.push_back({std::move(item.answer), decision.status(), {}});
    return;
  }
  for (coordinator::Event& event : decision->events) {
    coordinator::Apply(state_, event);
    if (coordinator::IsDurable(event)) batch.facts.push_back(std::move(std::get<coordinator::Fact>(event)));
  }
  batch.releases.push_back(
      {std::move(item.answer), std::move(decision->reply), std::move(decision->effects)});
  batch.tick_soon = batch.tick_soon || decision->tick_soon;
}

void CoordinatorHost::ReportSpace(Batch& batch) {
  next_space_report_ = machine_.Now() + kSpaceInterval;
  // Room for the ballast and as much again.
  if (!ballast_stowed_ && FreeBytes() >= 2 * kBallastBytes) {
    ballast_stowed_ = true;
    process_.Tell("the disk has room again");
  }
  DecideOne({coordinator::SpaceReported{std::max<int64_t>(0, FreeBytes()), vault_.total_bytes()}, nullptr},
            batch);
}

bool CoordinatorHost::Append(const std::vector<coordinator::Fact>& facts) {
  const int64_t bytes = JournalDisk::BytesOf(facts);
  if (FreeBytes() < bytes && ballast_stowed_) {
    ballast_stowed_ = false;
    process_.Tell("read-only until the disk has room again");
  }
  if (FreeBytes() < bytes) return false;
  journal_.Write(facts);
  return true;
}

void CoordinatorHost::Commit(Batch batch) {
  if (batch.facts.empty()) return ReleaseAll(std::move(batch.releases));
  if (mutant_ == Mutant::kAnsweredBeforeSync) {
    checks_.journal.Released(state_.facts.events);
    const int life = process_.life();
    ReleaseAll(std::exchange(batch.releases, {}));
    if (life != process_.life()) return;
  }
  if (Append(batch.facts)) return StartSync(std::move(batch));
  process_.Tell(Cat("stuck: ", batch.facts.size(), " events wait for room"));
  for (Release& release : batch.releases) {
    if (Answer answer = std::exchange(release.answer, nullptr)) answer(ReadOnly());
  }
  stuck_ = std::move(batch);
  next_tick_ = machine_.Now() + kStuckInterval;
}

void CoordinatorHost::RetryStuck() {
  next_tick_ = machine_.Now() + kStuckInterval;
  if (!Append(stuck_->facts)) return;
  StartSync(*std::exchange(stuck_, std::nullopt));
}

void CoordinatorHost::RefuseWhileStuck(std::deque<Item> items) {
  for (Item& item : items) {
    if (const auto* closed = std::get_if<coordinator::SessionClosed>(&item.body)) {
      ended_while_stuck_.push_back(closed->session);
    }
    if (item.answer) item.answer(ReadOnly());
  }
}

absl::Duration CoordinatorHost::SyncTime() {
  return slow_disk_ ? draws_.Between(absl::Milliseconds(100), absl::Seconds(4))
                    : draws_.Between(absl::Milliseconds(1), absl::Milliseconds(25));
}

void CoordinatorHost::StartSync(Batch batch) {
  syncing_ = true;
  auto shared = std::make_shared<Batch>(std::move(batch));
  process_.Post(SyncTime(), [this, shared] {
    syncing_ = false;
    if (std::exchange(fail_next_sync_, false)) {
      process_.Tell("a sync failed: the outcome is unknown");
      journal_.SyncFailed();
      return Die(down_after_fault_);
    }
    Synced(std::move(*shared));
  });
}

void CoordinatorHost::Synced(Batch batch) {
  journal_.Sync();
  for (const coordinator::Fact& fact : batch.facts) {
    const coordinator::EventLine line = coordinator::Describe(fact.body);
    process_.Tell(Cat("event ", line.kind, " ", line.subject, " ", line.text));
  }
  checks_.commands.Synced();
  checks_.journal.Synced(batch.facts, state_.facts);
  checks_.journal.Released(state_.facts.events);
  const int life = process_.life();
  ReleaseAll(std::move(batch.releases));
  if (life != process_.life()) return;
  for (const coordinator::SessionId session : std::exchange(ended_while_stuck_, {}))
    Submit(coordinator::SessionClosed{session}, nullptr);
  if (!queue_.empty()) Wake();
}

void CoordinatorHost::ReleaseAll(std::vector<Release> releases) {
  const int life = process_.life();
  for (Release& release : releases) {
    if (releases_to_live_ && --*releases_to_live_ < 0) return Die(down_after_fault_);
    if (release.answer) release.answer(release.reply);
    for (const coordinator::Effect& effect : release.effects) {
      CarryOut(effect);
      if (life != process_.life()) return;
    }
  }
}

void CoordinatorHost::CarryOut(const coordinator::Effect& effect) {
  if (const auto* send = std::get_if<coordinator::SendDirective>(&effect)) {
    const auto sink = sinks_.find(send->session);
    if (sink != sinks_.end()) sink->second->Send(send->directive);
  } else if (const auto* close = std::get_if<coordinator::CloseSession>(&effect)) {
    const auto sink = sinks_.find(close->session);
    if (sink == sinks_.end()) return;
    const std::shared_ptr<ServerStream> stream = sink->second;
    sinks_.erase(sink);
    stream->Close(close->status);
  } else if (const auto* check = std::get_if<coordinator::CheckBlob>(&effect)) {
    ReadBack(check->blob);
  } else {
    const Digest& blob = std::get<coordinator::RemoveBlob>(effect).blob;
    process_.Tell(Cat("removes blob ", blob.hex.substr(0, 8)));
    checks_.facts.Removed(blob, false, checks_.journal.durable().facts);
    vault_.Remove(blob);
    Submit(coordinator::BlobRemoved{blob}, nullptr);
  }
}

void CoordinatorHost::ReadBack(const Digest& blob) {
  process_.Post(SyncTime(), [this, blob] {
    const bool intact = mutant_ == Mutant::kUnverifiedBlob || vault_.Verify(blob).ok();
    Submit(coordinator::BlobChecked{blob, intact}, nullptr);
  });
}

void CoordinatorHost::VerifyCheckpoints() {
  if (!process_.alive()) return;
  for (const auto& [specialist, by_step] : state_.facts.checkpoints) {
    for (const auto& [step, kept] : by_step) ReadBack(kept.checkpoint.blob);
  }
}

std::shared_ptr<ServerStream> CoordinatorHost::Attach(std::shared_ptr<Connection> connection) {
  auto stream = std::make_shared<ServerStream>(*this, std::move(connection));
  std::erase_if(streams_, [](const auto& each) { return each.expired(); });
  streams_.push_back(stream);
  return stream;
}

coordinator::SessionId CoordinatorHost::NewSession(std::shared_ptr<ServerStream> stream,
                                                   const std::string& box) {
  sinks_[++last_session_] = std::move(stream);
  boxes_[last_session_] = box;
  return last_session_;
}

void CoordinatorHost::EndSession(coordinator::SessionId session) {
  sinks_.erase(session);
  Submit(coordinator::SessionClosed{session}, nullptr);
}

absl::Status CoordinatorHost::Receive(const Vault::Piece& piece) {
  if (FreeBytes() < piece.blob.size_bytes - vault_.Query(piece.blob) + kVaultReserveBytes) {
    return ResourceExhausted("the vault's disk is full");
  }
  return vault_.Append(piece);
}

int64_t CoordinatorHost::FreeBytes() const {
  return kDiskBytes - foreign_bytes_ - journal_.bytes() - vault_.bytes_on_disk() -
         (ballast_stowed_ ? kBallastBytes : 0);
}

void CoordinatorHost::FillDisk(int64_t free_bytes) {
  foreign_bytes_ = 0;
  foreign_bytes_ = FreeBytes() - free_bytes;
}

}  // namespace interceptor::simulation
