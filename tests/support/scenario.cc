#include "tests/support/scenario.h"

#include <set>
#include <utility>

#include "common/base/status.h"
#include "coordinator/core/queries.h"
#include "tests/support/catch.h"

namespace interceptor::coordinator {

PlanFacts SmallPlan() {
  PlanFacts plan;
  plan.name = "small";
  plan.digest = FakeHex("plan");
  plan.members = {{"ana", {"BG", "AV"}, false}, {"bo", {"CM", "RR"}, false}, {"zoe", {}, true}};
  plan.chunks = {{"00", ""}, {"01", ""}, {"02", ""}};
  plan.lease_ttl = absl::Seconds(30);
  plan.handover = absl::Minutes(10);
  plan.stall = absl::Minutes(5);
  plan.checkpoint_period = absl::Hours(3);
  plan.keep_latest = 2;
  return plan;
}

std::string FakeHex(std::string_view name) { return DigestOf(name).hex; }
Digest FakeDigest(std::string_view name, int64_t size_bytes) { return {FakeHex(name), size_bytes}; }
std::string FakeId(std::string_view name) { return FakeHex(name).substr(0, 32); }

Scenario::Scenario(PlanFacts plan_facts) : plan(std::move(plan_facts)) {
  CATCH_REQUIRE(Do(StartCommand{plan, "nonce"}).ok());
}

void Scenario::ApplyAll(const Decision& decision) {
  for (const Event& event : decision.events) {
    if (const auto* fact = std::get_if<Fact>(&event)) journal.push_back(*fact);
    Apply(state, event);
  }
  effects.insert(effects.end(), decision.effects.begin(), decision.effects.end());
  for (const Effect& effect : decision.effects) {
    if (const auto* check = std::get_if<CheckBlob>(&effect)) checks_asked_.push_back(check->blob);
  }
}

void Scenario::AnswerChecks() {
  if (!vault_answers) return;
  for (const Digest& blob : std::exchange(checks_asked_, {})) {
    CATCH_REQUIRE(Do(BlobChecked{blob, !bad_blobs.contains(blob)}).ok());
  }
}

absl::Status Scenario::Do(CommandBody body) {
  const Command command{.wall_time = absl::UnixEpoch() + now.since_boot, .body = std::move(body)};
  const absl::StatusOr<Decision> decision = Decide(state, command, now);
  if (!decision.ok()) return decision.status();
  ApplyAll(*decision);
  reply = decision->reply;
  if (decision->tick_soon && !std::holds_alternative<TickCommand>(command.body)) TickUntilQuiet();
  CheckInvariants(state);
  if (replay_each_time) CATCH_REQUIRE(Replay(journal).facts == state.facts);
  AnswerChecks();
  return absl::OkStatus();
}

void Scenario::TickUntilQuiet() {
  for (int i = 0; i < 20; ++i) {
    const Command tick{.wall_time = absl::UnixEpoch() + now.since_boot, .body = TickCommand{}};
    const absl::StatusOr<Decision> decision = Decide(state, tick, now);
    CATCH_REQUIRE(decision.ok());
    ApplyAll(*decision);
    if (!decision->tick_soon) return;
  }
  CATCH_FAIL("ticks never become quiet");
}

void Scenario::Wait(absl::Duration duration) {
  const MonotonicTime end = now + duration;
  while (now < end) {
    now = std::min(end, now + absl::Seconds(5));
    TickUntilQuiet();
    AnswerChecks();
  }
  CheckInvariants(state);
}

void Scenario::Work(absl::Duration duration) {
  const MonotonicTime end = now + duration;
  while (now < end) {
    now = std::min(end, now + absl::Seconds(5));
    for (const std::string& task : state.soft.index.tasks) {
      const TaskFacts facts = TaskOf(state, task);
      if (!facts.holder) continue;
      const SessionId session = SessionOfBox(state, facts.holder->box);
      if (session != 0) CATCH_REQUIRE(Report(session, At(task, Phase::kTraining, 0)).ok());
    }
    for (const auto& [id, session] : std::map(state.soft.sessions)) {
      CATCH_REQUIRE(Do(InventoryReported{id, *state.soft.boxes.at(session.box).chunks}).ok());
    }
    TickUntilQuiet();
  }
}

void Scenario::Restart(absl::Duration down) {
  state = Replay(journal);
  effects.clear();
  now = now + down;
  CATCH_REQUIRE(Do(StartCommand{plan, "nonce"}).ok());
}

Hello Scenario::MakeHello(const std::string& member) const { return MakeHello(member, HelloOptions()); }

Hello Scenario::MakeHello(const std::string& member, const HelloOptions& options) const {
  Hello hello;
  hello.protocol = 1;
  hello.member = member;
  hello.box = options.box.empty() ? member + "-box" : options.box;
  hello.incarnation = options.incarnation;
  hello.device = {"cpu", "a processor"};
  for (const std::string& chunk : options.chunks)
    hello.chunks.push_back({chunk, 10, FakeHex("zip " + chunk)});
  hello.held = options.held;
  return hello;
}

SessionId Scenario::Attach(const std::string& member) { return Attach(member, {}); }

SessionId Scenario::Attach(const std::string& member, HelloOptions options) {
  const SessionId session = next_session_++;
  last_error = Do(SessionOpened{session, MakeHello(member, options)});
  return last_error.ok() ? session : 0;
}

TaskRef Scenario::Ref(const std::string& task) const { return {task, TaskOf(state, task).term}; }

Progress Scenario::At(const std::string& task, Phase phase, int64_t step) const {
  Progress progress;
  progress.task = Ref(task);
  progress.phase = phase;
  progress.step = step;
  progress.cursor.chunk = std::min<int>(TaskOf(state, task).next_chunk, static_cast<int>(plan.chunks.size()));
  return progress;
}

absl::Status Scenario::Report(SessionId session, Progress progress) {
  if (progress.activity == 0) progress.activity = activity_++;
  return Do(ProgressReported{session, 1, progress});
}

std::string Scenario::NextId() { return FakeId(Cat("request ", next_id_++)); }

absl::Status Scenario::CommitManifest(SessionId session, const std::string& task, const std::string& chunk) {
  const DataManifest manifest{chunk, FakeDigest("manifest " + chunk), FakeHex("zip " + chunk), 10, 4, 1};
  return Do(ManifestProposed{session, NextId(), Ref(task), manifest, true});
}

CheckpointProposed Scenario::MakeCheckpoint(SessionId session, const std::string& task, int64_t step,
                                            SaveReason reason) {
  const std::string specialist = SpecialistOf(task);
  Checkpoint checkpoint;
  checkpoint.specialist = specialist;
  checkpoint.blob = FakeDigest(Cat(specialist, " ", step));
  checkpoint.step = step;
  checkpoint.reason = reason;
  checkpoint.cursor = {TaskOf(state, task).next_chunk, 0, step, 1};
  checkpoint.training_seconds = static_cast<double>(step);
  return {session, NextId(), Ref(task), checkpoint, true};
}

absl::Status Scenario::CommitCheckpoint(SessionId session, const std::string& task, int64_t step,
                                        SaveReason reason) {
  return Do(MakeCheckpoint(session, task, step, reason));
}

EvaluationReported Scenario::MakeEvaluation(SessionId session, const std::string& task, int chunk) {
  Evaluation evaluation;
  evaluation.specialist = SpecialistOf(task);
  evaluation.chunk = chunk;
  evaluation.score_table = FakeDigest(Cat("scores ", task, chunk));
  evaluation.auc = 0.75;
  return {session, NextId(), Ref(task), evaluation, true};
}

void Scenario::TrainChunk(SessionId session, const std::string& task) {
  const int chunk = TaskOf(state, task).next_chunk;
  CATCH_REQUIRE(CommitManifest(session, task, plan.chunks[chunk].name).ok());
  const CheckpointFacts* newest = NewestCommitted(state, SpecialistOf(task));
  const int64_t step = (newest == nullptr ? 0 : newest->checkpoint.step) + 100;
  CATCH_REQUIRE(CommitCheckpoint(session, task, step, SaveReason::kChunkEnd).ok());
  CATCH_REQUIRE(Do(MakeEvaluation(session, task, chunk)).ok());
  CATCH_REQUIRE(Do(ChunkFinished{session, NextId(), Ref(task), chunk, step, static_cast<double>(step)}).ok());
}

void Scenario::TrainEverything() {
  for (std::size_t chunk = 0; chunk < plan.chunks.size(); ++chunk) {
    for (const std::string& task : state.soft.index.tasks) {
      const auto holder = TaskOf(state, task).holder;
      CATCH_REQUIRE(holder);
      const SessionId session = SessionOfBox(state, holder->box);
      if (task != kIntegrateTask) {
        TrainChunk(session, task);
      } else {
        CATCH_REQUIRE(Do(ChunkFinished{session, NextId(), Ref(task), static_cast<int>(chunk), 0, 0}).ok());
      }
    }
  }
}

bool Scenario::IsHeldBy(const std::string& task, const std::string& box) const {
  const auto& holder = TaskOf(state, task).holder;
  return holder && holder->box == box;
}

std::vector<std::string> Scenario::CheckpointIds(const std::string& specialist) const {
  std::vector<std::string> ids;
  const auto found = state.facts.checkpoints.find(specialist);
  if (found == state.facts.checkpoints.end()) return ids;
  for (const auto& [step, facts] : found->second) ids.push_back(facts.checkpoint.id);
  return ids;
}

State Replay(const std::vector<Fact>& journal) {
  State state;
  for (const Fact& fact : journal) Apply(state, fact);
  return state;
}

void CheckInvariants(const State& state) {
  std::set<std::string> boxes_of_members;
  for (const auto& [name, task] : state.facts.tasks) {
    CATCH_REQUIRE(!(task.done && task.holder));
    CATCH_REQUIRE(!(task.paused && task.holder));
    CATCH_REQUIRE(state.soft.leases.contains(name) == task.holder.has_value());
    CATCH_REQUIRE(task.next_chunk <= static_cast<int>(state.soft.plan.chunks.size()));
  }
  for (const auto& [specialist, by_step] : state.facts.checkpoints) {
    for (const auto& [step, facts] : by_step) {
      // A blob on its way out is named by no checkpoint.
      CATCH_REQUIRE_FALSE(state.facts.removals.contains(facts.checkpoint.blob));
      CATCH_REQUIRE(facts.checkpoint.step == step);
    }
  }
  for (const auto& [id, session] : state.soft.sessions) {
    CATCH_REQUIRE(state.soft.boxes.at(session.box).session == id);
    const auto& member = state.facts.members.at(session.member);
    CATCH_REQUIRE(member.box == session.box);
    CATCH_REQUIRE_FALSE(member.left);
    CATCH_REQUIRE(boxes_of_members.insert(session.member).second);
  }
}

}  // namespace interceptor::coordinator
