// The coordinator's process: the real Decide, Apply and codec in the loop that coordinator/runtime describes
// (batch, decide, append, one sync, release), on a simulated disk and vault. It dies and starts again.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "coordinator/core/decide.h"
#include "tests/simulation/checks.h"
#include "tests/simulation/journal_disk.h"
#include "tests/simulation/mutants.h"
#include "tests/simulation/process.h"
#include "tests/simulation/server_stream.h"
#include "tests/simulation/vault.h"

namespace interceptor::simulation {

// Kept on the journal's disk so that removals can be journaled when it is full.
inline constexpr int64_t kBallastBytes = 300'000;

class CoordinatorHost {
 public:
  CoordinatorHost(World& world, const Options& options, Mutant mutant);

  Process& process() { return process_; }
  Machine& machine() { return machine_; }
  Vault& vault() { return vault_; }
  Checks& checks() { return checks_; }
  const JournalDisk& journal() const { return journal_; }
  // Of the running process.
  const coordinator::State& state() const { return state_; }

  void Start();
  // Dies at once; starts again after `down`. With `power` the machine goes too and nobody hears of it.
  void Kill(bool power, absl::Duration down);
  // Ends every stream in order and stops.
  void StopInOrder(absl::Duration down);

  // --- what a fault may ask for ---
  // Dies between two releases of a coming batch.
  void DieWhileReleasing(int releases, absl::Duration down);
  // The next sync fails with an unknown outcome.
  void FailNextSync(absl::Duration down);
  void SetSlowDisk(bool slow) { slow_disk_ = slow; }
  // Other people's files on the same disk.
  void FillDisk(int64_t free_bytes);
  void EmptyDisk() { foreign_bytes_ = 0; }
  // Starts of a wrong kind must be refused and leave the folder as it was; a copy must hold everything.
  void Maintain();
  // A person reads every checkpoint back.
  void VerifyCheckpoints();

  // --- the service's side ---
  std::shared_ptr<ServerStream> Attach(std::shared_ptr<Connection> connection);
  coordinator::SessionId NewSession(std::shared_ptr<ServerStream> stream, const std::string& box);
  void EndSession(coordinator::SessionId session);
  using Answer = std::function<void(const absl::StatusOr<coordinator::Reply>&)>;
  void Submit(coordinator::CommandBody body, Answer answer);
  // One part of an upload.
  absl::Status Receive(const Vault::Piece& piece);

 private:
  struct Item {
    coordinator::CommandBody body;
    Answer answer;
  };
  struct Release {
    Answer answer;
    absl::StatusOr<coordinator::Reply> reply;
    std::vector<coordinator::Effect> effects;
  };
  struct Batch {
    std::vector<coordinator::Fact> facts;
    std::vector<Release> releases;
    bool tick_soon = false;
  };

  // What the core is told.
  MonotonicTime Now() const;
  absl::Status Recover();
  void CheckBlobs();
  void ReadBack(const Digest& blob);
  void Wake();
  void Tick();
  void RunBatch();
  void DecideOne(Item item, Batch& batch);
  void ReportSpace(Batch& batch);
  void Commit(Batch batch);
  // False when the disk has no room.
  bool Append(const std::vector<coordinator::Fact>& facts);
  void StartSync(Batch batch);
  void Synced(Batch batch);
  void RetryStuck();
  void RefuseWhileStuck(std::deque<Item> items);
  void ReleaseAll(std::vector<Release> releases);
  void CarryOut(const coordinator::Effect& effect);
  void LookIntoVault(coordinator::CommandBody& body) const;
  int64_t FreeBytes() const;
  absl::Duration SyncTime();
  void Die(absl::Duration down);

  World& world_;
  const Options& options_;
  const Mutant mutant_;
  Draws draws_;
  Machine machine_;
  Process process_;
  JournalDisk journal_;
  Vault vault_;
  Checks checks_;
  bool slow_disk_ = false;
  int64_t foreign_bytes_ = 0;
  bool ballast_stowed_ = true;

  // Of one life.
  coordinator::State state_;
  std::deque<Item> queue_;
  bool woken_ = false;
  bool syncing_ = false;
  std::optional<Batch> stuck_;
  std::vector<coordinator::SessionId> ended_while_stuck_;
  MonotonicTime next_tick_;
  MonotonicTime last_tick_;
  MonotonicTime next_space_report_;
  coordinator::SessionId last_session_ = 0;
  std::map<coordinator::SessionId, std::shared_ptr<ServerStream>> sinks_;
  std::map<coordinator::SessionId, std::string> boxes_;
  std::vector<std::weak_ptr<ServerStream>> streams_;
  std::optional<int> releases_to_live_;
  bool fail_next_sync_ = false;
  absl::Duration down_after_fault_;
};

}  // namespace interceptor::simulation
