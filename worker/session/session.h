// One worker as a state machine: inputs in, outputs out. It holds the tasks and their terms, lets a pair take
// turns chunk by chunk, prepares chunk c+1 while chunk c trains, publishes in order, and goes on without the
// coordinator. It touches nothing: the agent feeds it and does what it says. Pure; one thread; the same
// inputs at the same times give the same outputs.
//
// Every input changes what is known, then the same rules run: what is known now and not under way is started.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include "worker/session/chunk_tracker.h"
#include "worker/session/integration.h"
#include "worker/session/outbox.h"
#include "worker/session/session_values.h"
#include "worker/session/training_run.h"

namespace interceptor::worker {

class Session {
 public:
  // `incarnation`: what tells this start of the agent from all others.
  explicit Session(std::string incarnation);

  SessionOutputs Handle(const SessionInput& input, MonotonicTime now);

  // When to hand in Ticked, if nothing else happens before.
  std::optional<MonotonicTime> NextWake() const;

 private:
  struct Draining {
    std::string reason;
    MonotonicTime give_up_at;
    bool hurry = false;
  };

  void On(const Connected&);
  void On(const Disconnected&);
  void On(const Welcomed& welcomed);
  void On(const Assigned& assigned);
  void On(const LeaseRenewed& renewed) { next_report_in_ = renewed.next_report_in; }
  void On(const SaveNowAsked& asked);
  void On(const DrainAsked& asked);
  void On(const Dropped& dropped);
  void On(const Answered& answer);
  void On(const ManifestCommitted& committed);
  void On(const RoundIsReady& round);
  void On(const ChunkFilesSeen& seen);
  void On(const StoreSeen& seen) { chunks_.SetStore(seen.chunks); }
  void On(const NotRemembered& failed) { memory_retry_at_[failed.specialist] = now_ + kFullPause; }
  void On(const BlobUploaded& uploaded);
  void On(const BlobFetched& fetched);
  void On(const StopAsked&);
  void On(const Ticked&) {}
  void On(const PreparerMoved& moved);
  void On(const ManifestBuilt& built) { chunks_.OnBuilt(built); }
  void On(const TrainerMoved& moved);
  void On(const ChildFailed& failed);
  void On(const ChildExited& exited);
  // All else that children say concerns their runs and rounds alone.
  void On(const auto& event) { ToOwner(event); }

  // Hands it to whose child it is; to nobody where that task was dropped.
  template <typename Event>
  void ToOwner(const Event& event) {
    constexpr bool is_of_run = requires(TrainingRun & run) { run.On(event, now_, out_); };
    constexpr bool is_of_round = requires(Integration & round) { round.On(event, now_, out_); };
    static_assert(is_of_run || is_of_round);
    if constexpr (is_of_run) {
      if (TrainingRun* run = RunOf(event.child)) run->On(event, now_, out_);
    }
    if constexpr (is_of_round) {
      if (Integration* round = IntegrationOf(event.child)) round->On(event, now_, out_);
    }
  }

  void ApplyRules();
  void Propose();
  void CheckGates();
  void Refer();
  void StartWork();
  void GiveTurns();
  void StartRound();
  void SaveWhenOutOfTouch();
  void SendFacts();
  void Report();
  void Remember();
  void LeaveWhenDone();

  TrainingRun* FindRun(const TaskRef& task);
  // Whose child it is; null for one whose task was dropped.
  TrainingRun* RunOf(ChildId child);
  Integration* IntegrationOf(ChildId child);
  ChildId NewChild(const std::string& task);
  bool HasChild(std::string_view task) const;
  void AssignIntegration(const Assigned& assigned);
  void DropIntegration();
  void TakeUp(const Assigned& assigned, std::unique_ptr<TrainingRun>& run);
  void RemoveRun(const std::string& task, const std::string& why);
  void StartDraining(const std::string& reason, absl::Duration limit);
  void BumpWaiting();
  void ReportNews(Progress report, bool due);
  void ReportFiles();
  bool HasChildren() const { return chunks_.HasPreparer() || !child_tasks_.empty(); }
  int TrainingCount() const;
  int TurnsMax() const { return plan_ && plan_->pair_together ? 2 : 1; }
  bool InTouch() const { return welcomed_; }
  Phase PhaseOf(const TrainingRun& run) const;

  const std::string incarnation_;
  MonotonicTime now_;   // of the input being handled
  SessionOutputs out_;  // collected for it

  bool welcomed_ = false;
  std::optional<SessionPlan> plan_;
  ChunkTracker chunks_;
  ChunkFiles files_reported_;
  Outbox manifests_;
  std::map<std::string, std::unique_ptr<TrainingRun>> runs_;  // by task
  // Trainers and integrators until they exit, also those whose task was dropped.
  std::map<ChildId, std::string> child_tasks_;
  std::map<std::string, std::set<std::string>> referred_;  // specialist -> chunk names
  std::map<std::string, int64_t> turn_taken_;              // task -> number of its last turn
  std::set<std::string> differences_logged_;               // local paths of manifests
  std::optional<Integration> integration_;
  std::optional<Draining> draining_;
  bool left_ = false;

  absl::Duration next_report_in_ = absl::Seconds(5);
  MonotonicTime report_at_;
  std::map<std::string, RunMemory> remembered_;           // by specialist
  std::map<std::string, MonotonicTime> memory_retry_at_;  // by specialist: those that are not written down
  struct Reported {
    Phase phase = Phase::kWaitingForData;
    std::string trouble;

    friend bool operator==(const Reported&, const Reported&) = default;
  };
  std::map<std::string, Reported> reported_;  // by task
  ChildId last_child_ = 0;
  int64_t turns_ = 0;
};

}  // namespace interceptor::worker
