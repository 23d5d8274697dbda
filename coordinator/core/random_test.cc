// Goal: whatever sequence of commands comes, right or wrong, the rules hold after each one and replaying the
// journal gives equal facts. Method: sequences drawn from a seed, by clumsy workers that use old terms,
// repeat requests, reconnect, report nonsense and die; then everyone behaves and the plan must finish.
#include <algorithm>
#include <map>

#include "common/base/random.h"
#include "common/base/status.h"
#include "coordinator/core/queries.h"
#include "coordinator/core/retention.h"
#include "coordinator/core/status_view.h"
#include "tests/support/catch.h"
#include "tests/support/scenario.h"

namespace interceptor::coordinator {
namespace {

class Chaos {
 public:
  explicit Chaos(uint64_t seed) : key_(MakeRandomKey(seed, "core chaos")), s_(MakePlan()) {
    s_.replay_each_time = false;
  }

  void Run(int commands) {
    for (int i = 0; i < commands; ++i) {
      Step();
      Check();
      if (i % 50 == 0) CATCH_REQUIRE(Replay(s_.journal).facts == s_.state.facts);
    }
    CATCH_REQUIRE(Replay(s_.journal).facts == s_.state.facts);
  }

  // Liveness: everyone is there and works; the plan ends.
  void Heal() {
    s_.Restart(absl::Minutes(20));
    s_.Wait(absl::Minutes(11));
    CATCH_REQUIRE(s_.Do(ResumePlan{}).ok());
    CATCH_REQUIRE(s_.Do(SpaceReported{int64_t{1} << 40, 0}).ok());
    for (const char* member : {"ana", "bo", "zoe"})
      CATCH_REQUIRE(s_.Attach(member, {.incarnation = "healed"}) != 0);
    for (int i = 0; i < 200 && !s_.state.facts.finished; ++i) {
      s_.Wait(absl::Seconds(5));
      for (const auto& [blob, specialist] : std::map(s_.state.facts.removals)) {
        CATCH_REQUIRE(s_.Do(BlobRemoved{blob}).ok());
      }
      for (const std::string& task : std::vector(s_.state.soft.index.tasks)) WorkOn(task);
      Check();
    }
    CATCH_REQUIRE(s_.state.facts.finished);
    std::map<std::string, int> next;
    for (const Fact& fact : s_.journal) {
      const auto* done = std::get_if<ChunkCompleted>(&fact.body);
      if (done != nullptr) CATCH_REQUIRE(done->chunk == next[done->task.task]++);
      if (const auto* back = std::get_if<RunSetBack>(&fact.body)) next[back->task] = back->next_chunk;
    }
    for (const auto& [task, chunks] : next) CATCH_REQUIRE(chunks == 3);
  }

 private:
  static PlanFacts MakePlan() {
    PlanFacts plan = SmallPlan();
    plan.handover = absl::Minutes(1);
    plan.stall = absl::Minutes(1);
    plan.checkpoint_period = absl::Seconds(100);
    return plan;
  }

  uint64_t Draw(uint64_t count) { return RandomIndex(key_, counter_++, count); }
  template <typename T>
  T Pick(const std::vector<T>& from) {
    return from[Draw(from.size())];
  }

  // Mostly an open stream, at times one that ended.
  SessionId AnySession() {
    if (s_.state.soft.sessions.empty() || Draw(10) == 0) return static_cast<SessionId>(Draw(50));
    auto it = s_.state.soft.sessions.begin();
    std::advance(it, static_cast<long>(Draw(s_.state.soft.sessions.size())));
    return it->first;
  }

  // Mostly a task of that session's box under its term.
  TaskRef AnyTask(SessionId session) {
    const Session* open = FindSession(s_.state, session);
    std::vector<std::string> own;
    for (const std::string& task : s_.state.soft.index.tasks) {
      if (open != nullptr && s_.IsHeldBy(task, open->box)) own.push_back(task);
    }
    if (own.empty() || Draw(8) == 0) own = s_.state.soft.index.tasks;
    TaskRef ref = s_.Ref(Pick(own));
    if (Draw(10) == 0) ref.term += static_cast<int64_t>(Draw(3)) - 1;
    return ref;
  }

  std::string AnyId() {
    if (!used_ids_.empty() && Draw(6) == 0) return Pick(used_ids_);
    used_ids_.push_back(s_.NextId());
    return used_ids_.back();
  }

  void Attach() {
    const std::string member = Pick<std::string>({"ana", "bo", "zoe"});
    Scenario::HelloOptions options;
    options.box = Draw(5) == 0 ? Pick<std::string>({"spare", "bo-box", "laptop"}) : "";
    options.incarnation = Pick<std::string>({"first", "second"});
    options.chunks.resize(Draw(4));
    for (int i = 0; i < 3 && Draw(3) > 0; ++i)
      options.held.push_back(s_.Ref(Pick(s_.state.soft.index.tasks)));
    s_.Attach(member, options);
  }

  void Save(SessionId session, const TaskRef& ref) {
    if (SpecialistOf(ref.task).empty()) return;
    const Checkpoint* newest = NewestCheckpoint(s_.state, SpecialistOf(ref.task));
    const int64_t step = (newest == nullptr ? 0 : newest->step) + static_cast<int64_t>(Draw(30));
    CheckpointProposed save = s_.MakeCheckpoint(session, ref.task, std::max<int64_t>(step, 1),
                                                Draw(2) == 0 ? SaveReason::kChunkEnd : SaveReason::kSaveNow);
    save.task = ref;
    save.request_id = AnyId();
    save.blob_verified = Draw(5) > 0;
    if (Draw(10) == 0) save.checkpoint.cursor.chunk = static_cast<int>(Draw(4));
    (void)s_.Do(save);
  }

  void Step() {
    const SessionId session = AnySession();
    const TaskRef ref = AnyTask(session);
    const int next = TaskOf(s_.state, ref.task).next_chunk;
    switch (Draw(17)) {
      case 0:
        return Attach();
      case 1:
        return (void)s_.Do(SessionClosed{session});
      case 2:
        return Draw(4) == 0 ? (void)s_.Do(Goodbye{session, "x"}) : Attach();
      case 3:
        return s_.Wait(absl::Seconds(static_cast<int>(Draw(100))));
      case 4:
        return Report(session, ref);
      case 5:
        return Report(session, ref);
      case 6:
        return Manifest(session, ref, next);
      case 7:
        return Save(session, ref);
      case 8:
        return Save(session, ref);
      case 9:
        return (void)s_.Do(WithTask(s_.MakeEvaluation(session, ref.task, static_cast<int>(Draw(4))), ref));
      case 10:
        return (void)s_.Do(ChunkFinished{session, AnyId(), ref, Draw(6) == 0 ? 1 : next, 5, 5});
      case 11:
        return Fail(session, ref);
      case 12:
        return People();
      case 13:
        return RemoveSome();
      case 14:
        return (void)s_.Do(SpaceReported{Draw(4) == 0 ? 0 : int64_t{1} << 40, 0});
      case 15:
        return Draw(5) == 0 ? s_.Restart(absl::Seconds(static_cast<int>(Draw(50)))) : Attach();
      case 16:
        return Damage();
    }
  }

  EvaluationReported WithTask(EvaluationReported report, const TaskRef& ref) {
    report.task = ref;
    return report;
  }

  void Report(SessionId session, const TaskRef& ref) {
    Progress progress = s_.At(ref.task, static_cast<Phase>(Draw(8)), static_cast<int64_t>(Draw(200)));
    progress.task = ref;
    progress.training_seconds = static_cast<double>(Draw(2000));
    progress.activity = static_cast<int64_t>(Draw(4)) + 1;
    (void)s_.Do(ProgressReported{session, 1, progress});
  }

  void Manifest(SessionId session, const TaskRef& ref, int next) {
    const std::string chunk = s_.plan.chunks[static_cast<std::size_t>(std::min(next, 2))].name;
    const std::string bytes = Draw(6) == 0 ? "other" : "manifest " + chunk;
    const DataManifest manifest{chunk, FakeDigest(bytes), FakeHex("zip " + chunk), 10, 4, 1};
    (void)s_.Do(ManifestProposed{session, AnyId(), ref, manifest, Draw(5) > 0});
  }

  void Fail(SessionId session, const TaskRef& ref) {
    if (Draw(3) == 0)
      (void)s_.Do(TaskFailed{session, AnyId(), ref, absl::StatusCode::kInternal, "x", Draw(4) > 0});
  }

  void People() {
    const std::string specialist = Pick<std::string>({"BG", "AV", "CM", "RR"});
    const auto ids = s_.CheckpointIds(specialist);
    switch (Draw(6)) {
      case 0:
        return (void)s_.Do(PausePlan{AnyId(), "x"});
      case 1:
      case 2:
        return (void)s_.Do(ResumePlan{});
      case 3:
        return (void)s_.Do(DrainWorker{"", Pick<std::string>({"ana", "bo", "eve"})});
      case 4:
        return ids.empty() ? void() : (void)s_.Do(PinCheckpoint{"", Pick(ids)});
      case 5:
        return ids.empty() ? void() : (void)s_.Do(UnpinCheckpoint{"", Pick(ids)});
    }
  }

  void RemoveSome() {
    for (const RemoveBlob& removal : s_.Effects<RemoveBlob>()) {
      if (Draw(2) == 0) (void)s_.Do(BlobRemoved{removal.blob});
    }
    s_.ForgetEffects();
  }

  // A blob is lost or comes back; one of each specialist stays intact.
  void Damage() {
    const auto found = s_.state.facts.checkpoints.find(Pick<std::string>({"BG", "AV", "CM", "RR"}));
    if (found == s_.state.facts.checkpoints.end() || found->second.empty()) return;
    const auto intact = [](const auto& each) { return !each.second.damaged; };
    const auto& by_step = found->second;
    const bool last = std::count_if(by_step.begin(), by_step.end(), intact) < 2;
    const auto chosen = std::next(by_step.begin(), static_cast<long>(Draw(by_step.size())));
    (void)s_.Do(BlobChecked{chosen->second.checkpoint.blob, last || Draw(4) == 0});
  }

  // An honest worker's next act on a task.
  void WorkOn(const std::string& task) {
    const auto holder = TaskOf(s_.state, task).holder;
    if (!holder || holder->lease_dead) return;
    const SessionId session = SessionOfBox(s_.state, holder->box);
    if (session == 0) return;
    const int next = TaskOf(s_.state, task).next_chunk;
    if (task == kIntegrateTask) {
      (void)s_.Do(ChunkFinished{session, s_.NextId(), s_.Ref(task), next, 0, 0});
      return;
    }
    const std::string specialist = SpecialistOf(task);
    for (int chunk = 0; chunk <= next; ++chunk) {
      const auto facts = s_.state.facts.chunks.find(s_.plan.chunks[chunk].name);
      if (facts != s_.state.facts.chunks.end() && facts->second.manifest) continue;
      (void)s_.CommitManifest(session, task, s_.plan.chunks[chunk].name);
    }
    const CheckpointFacts* facts = NewestCommitted(s_.state, specialist);
    const Checkpoint* newest = facts == nullptr ? nullptr : &facts->checkpoint;
    if (newest == nullptr || ChunksCovered(*newest) <= next) {
      const int64_t step = (newest == nullptr ? 0 : newest->step) + 100;
      CheckpointProposed save = s_.MakeCheckpoint(session, task, step, SaveReason::kChunkEnd);
      save.checkpoint.training_seconds += newest == nullptr ? 0 : newest->training_seconds;
      CATCH_REQUIRE(s_.Do(save) == absl::OkStatus());
    }
    // Chunks finished long ago may still lack their evaluation.
    for (int chunk = 0; chunk <= next; ++chunk) (void)s_.Do(s_.MakeEvaluation(session, task, chunk));
    CATCH_REQUIRE(s_.Do(ChunkFinished{session, s_.NextId(), s_.Ref(task), next, 5, 5}) == absl::OkStatus());
  }

  // What must hold between any two moments.
  void Check() {
    for (; checked_ < s_.journal.size(); ++checked_) {
      const DurableEvent& body = s_.journal[checked_].body;
      if (const auto* grant = std::get_if<TaskGranted>(&body)) {
        CATCH_REQUIRE(grant->term == ++terms_[grant->task]);
      } else if (const auto* saved = std::get_if<CheckpointCommitted>(&body)) {
        CATCH_REQUIRE(saved->term == terms_[TrainTask(saved->checkpoint.specialist)]);
        ++committed_[saved->checkpoint.specialist];
      } else if (const auto* back = std::get_if<RunSetBack>(&body)) {
        committed_[SpecialistOf(back->task)] = 1;
      }
    }
    for (const auto& [specialist, count] : committed_) {
      const auto& kept = s_.state.facts.checkpoints.at(specialist);
      CATCH_REQUIRE(static_cast<int>(kept.size()) >= std::min(2, count));
      CATCH_REQUIRE(Removable(s_.state, specialist).empty());
    }
    (void)BuildStatus(s_.state, s_.now);
  }

  RandomKey key_;
  uint64_t counter_ = 0;
  Scenario s_;
  std::vector<std::string> used_ids_;
  std::size_t checked_ = 0;
  std::map<std::string, int64_t> terms_;
  std::map<std::string, int> committed_;
};

CATCH_TEST_CASE("random commands: the rules hold, replay is equal, and the plan ends once all is well") {
  for (uint64_t seed = 1; seed <= 30; ++seed) {
    CATCH_INFO("seed " << seed);
    Chaos chaos(seed);
    chaos.Run(600);
    chaos.Heal();
  }
}

}  // namespace
}  // namespace interceptor::coordinator
