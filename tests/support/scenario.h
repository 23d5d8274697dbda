// Test helper: a coordinator without I/O. It decides, applies and keeps the journal; it checks after every
// command that replaying the journal gives the same facts, that an error changes nothing, and the rules
// that must hold at every moment (CheckInvariants).
#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "coordinator/core/decide.h"
#include "coordinator/core/state.h"

namespace interceptor::coordinator {

// Members ana (BG, AV), bo (CM, RR) and zoe, who integrates; chunks 00, 01, 02; leases of 30 s, handover
// after 10 min, stall after 5 min, a checkpoint every 3 h of training, the latest two kept.
PlanFacts SmallPlan();
// 64 hexadecimal digits that differ by `name`.
std::string FakeHex(std::string_view name);
Digest FakeDigest(std::string_view name, int64_t size_bytes = 1000);
// 32 hexadecimal digits that differ by `name`.
std::string FakeId(std::string_view name);

class Scenario {
 public:
  explicit Scenario(PlanFacts plan = SmallPlan());

  // Decides and applies one command, then ticks until nothing more follows.
  absl::Status Do(CommandBody body);
  // Time passes with a tick every 5 s and nobody reporting.
  void Wait(absl::Duration duration);
  // The same, with every connected session reporting moving progress on what it holds.
  void Work(absl::Duration duration);
  // Process ends; the journal is replayed; streams are gone. `down` passes meanwhile.
  void Restart(absl::Duration down = absl::Seconds(1));

  struct HelloOptions {
    std::string box = {};
    std::string incarnation = "first";
    std::vector<std::string> chunks = {"00", "01", "02"};
    std::vector<TaskRef> held = {};
  };
  // Attaches the member's box (by default "<member>-box"); 0 and last_error when refused.
  SessionId Attach(const std::string& member);
  SessionId Attach(const std::string& member, HelloOptions options);
  Hello MakeHello(const std::string& member) const;
  Hello MakeHello(const std::string& member, const HelloOptions& options) const;

  // The newest term of the task.
  TaskRef Ref(const std::string& task) const;
  absl::Status Report(SessionId session, Progress progress);
  Progress At(const std::string& task, Phase phase, int64_t step) const;
  absl::Status CommitManifest(SessionId session, const std::string& task, const std::string& chunk);
  CheckpointProposed MakeCheckpoint(SessionId session, const std::string& task, int64_t step,
                                    SaveReason reason);
  absl::Status CommitCheckpoint(SessionId session, const std::string& task, int64_t step,
                                SaveReason reason = SaveReason::kSaveNow);
  EvaluationReported MakeEvaluation(SessionId session, const std::string& task, int chunk);
  // Manifest, chunk-end checkpoint, held-out evaluation, chunk finished; 100 steps.
  void TrainChunk(SessionId session, const std::string& task);
  // Everything up to the end of the plan, by these sessions' boxes.
  void TrainEverything();
  std::string NextId();

  // Directives of one kind to one session, since the last ForgetEffects.
  template <typename T>
  std::vector<T> Sent(SessionId session) const {
    std::vector<T> found;
    for (const Effect& effect : effects) {
      const auto* send = std::get_if<SendDirective>(&effect);
      if (send == nullptr || send->session != session) continue;
      if (const auto* directive = std::get_if<T>(&send->directive)) found.push_back(*directive);
    }
    return found;
  }
  template <typename T>
  std::vector<T> Effects() const {
    std::vector<T> found;
    for (const Effect& effect : effects) {
      if (const auto* one = std::get_if<T>(&effect)) found.push_back(*one);
    }
    return found;
  }
  template <typename T>
  int CountFacts() const {
    int count = 0;
    for (const Fact& fact : journal) count += std::holds_alternative<T>(fact.body) ? 1 : 0;
    return count;
  }
  void ForgetEffects() { effects.clear(); }
  bool IsHeldBy(const std::string& task, const std::string& box) const;
  std::vector<std::string> CheckpointIds(const std::string& specialist) const;

  PlanFacts plan;
  State state;
  MonotonicTime now{absl::Seconds(1000)};
  std::vector<Fact> journal;
  std::vector<Effect> effects;
  Reply reply;
  absl::Status last_error;
  // The vault answers CheckBlob at once: intact, but for these.
  bool vault_answers = true;
  std::set<Digest> bad_blobs;
  // Replaying the whole journal after each command is quadratic; long tests do it themselves.
  bool replay_each_time = true;

 private:
  void ApplyAll(const Decision& decision);
  void TickUntilQuiet();
  void AnswerChecks();
  std::vector<Digest> checks_asked_;
  SessionId next_session_ = 1;
  int next_id_ = 1;
  int64_t activity_ = 1;
};

State Replay(const std::vector<Fact>& journal);
// Aborts the test on the first rule that does not hold.
void CheckInvariants(const State& state);

}  // namespace interceptor::coordinator
