// Durable events. What they contradict is our own bug: a fact was decided against another state.
#include <algorithm>

#include "common/base/check.h"
#include "common/base/status.h"
#include "coordinator/core/apply_soft.h"
#include "coordinator/core/limits.h"
#include "coordinator/core/queries.h"
#include "coordinator/core/state.h"

namespace interceptor::coordinator {
namespace {

void RememberStart(Facts& facts, const Incarnation& start) {
  facts.starts[start.number] = start.nonce;
  if (facts.starts.size() > kStartsRememberedMax) facts.starts.erase(facts.starts.begin());
}

// `task` has no holder from now on.
void Vacate(State& state, const std::string& name, TaskFacts& task) {
  if (task.holder) {
    auto* held = FindIn(state.soft.held_by, task.holder->box);
    if (held != nullptr && held->erase(name) > 0 && held->empty()) state.soft.held_by.erase(task.holder->box);
  }
  task.holder.reset();
  task.base.clear();
  const Lease* lease = LeaseOf(state, name);
  if (lease != nullptr && lease->progress) state.soft.last_progress[name] = *lease->progress;
  state.soft.leases.erase(name);
}

// The facts of the task whose newest term the event carries.
TaskFacts& HeldTask(State& state, const TaskRef& ref) {
  TaskFacts& task = state.facts.tasks[ref.task];
  ICPT_CHECK(task.term == ref.term) << ref.task << ": event of term " << ref.term << " at term " << task.term;
  return task;
}

CheckpointFacts& KnownCheckpoint(State& state, const std::string& id) {
  const CheckpointFacts* known = FindCheckpoint(state, id);
  ICPT_CHECK(known != nullptr) << "event about the unknown checkpoint " << id;
  return state.facts.checkpoints.at(known->checkpoint.specialist).at(known->checkpoint.step);
}

bool BlobInUse(const Facts& facts, const Digest& blob) {
  for (const auto& [specialist, by_step] : facts.checkpoints) {
    for (const auto& [step, checkpoint] : by_step) {
      if (checkpoint.checkpoint.blob == blob) return true;
    }
  }
  return false;
}

// Takes the checkpoint out of the list; its blob goes when nothing else rests on it.
void Discard(State& state, const Checkpoint& gone) {
  state.facts.checkpoints[gone.specialist].erase(gone.step);
  state.soft.checks.erase(gone.blob);
  if (!BlobInUse(state.facts, gone.blob)) state.facts.removals[gone.blob] = gone.specialist;
}

struct Applier {
  State& state;

  void operator()(const PlanAdopted& e) {
    ICPT_CHECK(state.facts.plan_digest.empty()) << "a plan was adopted twice";
    state.facts.plan_name = e.name;
    state.facts.plan_digest = e.digest;
  }

  void operator()(const CoordinatorStarted& e) {
    ICPT_CHECK(e.incarnation.number == NewestStart(state.facts).number + 1)
        << "incarnation " << e.incarnation.number;
    RememberStart(state.facts, e.incarnation);
  }

  void operator()(const MemberAttached& e) {
    MemberFacts& member = state.facts.members[e.member];
    const std::string* before = FindIn(state.soft.member_of_box, member.box);
    if (before != nullptr && *before == e.member) state.soft.member_of_box.erase(member.box);
    member = {.box = e.box, .incarnation = e.incarnation};
    state.soft.member_of_box[e.box] = e.member;
  }

  void operator()(const MemberLeft& e) {
    MemberFacts& member = state.facts.members[e.member];
    ICPT_CHECK(member.box == e.box) << e.member << " left as " << e.box << ", stands as " << member.box;
    member.left = true;
    member.draining = false;
  }

  void operator()(const DrainRequested& e) { state.facts.members[e.member].draining = true; }

  void operator()(const ChunkDigestFixed& e) {
    ChunkFacts& chunk = state.facts.chunks[e.chunk];
    ICPT_CHECK(chunk.sha256.empty() || chunk.sha256 == e.sha256) << "chunk " << e.chunk << " changed";
    chunk.sha256 = e.sha256;
    chunk.size_bytes = e.size_bytes;
  }

  void operator()(const ManifestCommitted& e) {
    ChunkFacts& chunk = state.facts.chunks[e.manifest.chunk];
    ICPT_CHECK(!chunk.manifest) << "two manifests of chunk " << e.manifest.chunk;
    chunk.manifest = e.manifest;
  }

  void operator()(const TaskGranted& e) {
    TaskFacts& task = state.facts.tasks[e.task];
    ICPT_CHECK(e.term > task.term && !task.done && !task.paused) << e.task << " granted at term " << e.term;
    Vacate(state, e.task, task);
    task.term = e.term;
    task.holder = HolderFacts{.member = e.member, .box = e.box};
    state.soft.held_by[e.box].insert(e.task);
    task.last_box = e.box;
    task.reason.clear();
    task.base = e.base;
    if (e.task != kIntegrateTask) return;
    // Whoever takes it up, or takes it up again, has to hear of the round that is due.
    for (auto& [id, session] : state.soft.sessions) session.round_announced = -1;
  }

  void operator()(const LeaseExpired& e) {
    TaskFacts& task = HeldTask(state, e.task);
    ICPT_CHECK(task.holder) << e.task.task << " expired without a holder";
    task.holder->lease_dead = true;
    task.reason = e.reason;
  }

  void operator()(const LeaseReclaimed& e) {
    TaskFacts& task = HeldTask(state, e.task);
    ICPT_CHECK(task.holder) << e.task.task << " reclaimed without a holder";
    task.holder->lease_dead = false;
    task.reason.clear();
  }

  void operator()(const TaskReleased& e) {
    TaskFacts& task = HeldTask(state, e.task);
    Vacate(state, e.task.task, task);
    task.reason = e.reason;
  }

  void operator()(const TaskFailureRecorded& e) {
    TaskFacts& task = HeldTask(state, e.task);
    Vacate(state, e.task.task, task);
    task.reason = Cat(e.code, ": ", e.text);
    task.failures += 1;
    task.paused = e.paused;
  }

  void operator()(const CheckpointCommitted& e) {
    const Checkpoint& checkpoint = e.checkpoint;
    auto& by_step = state.facts.checkpoints[checkpoint.specialist];
    ICPT_CHECK(by_step.empty() || by_step.rbegin()->first < checkpoint.step) << checkpoint.id << " goes back";
    by_step[checkpoint.step] = {.checkpoint = checkpoint};
    for (const auto& [step, kept] : by_step) state.soft.checks.erase(kept.checkpoint.blob);
    const std::string name = TrainTask(checkpoint.specialist);
    TaskFacts& task = state.facts.tasks[name];
    task.base.clear();
    task.failures = 0;
    if (task.set_back && checkpoint.step >= task.set_back->step) task.set_back.reset();
    Lease* lease = FindIn(state.soft.leases, name);
    if (lease == nullptr) return;
    lease->save_asked.reset();
    lease->saved_since_pause = state.facts.paused;
  }

  void operator()(const CheckpointPinned& e) { KnownCheckpoint(state, e.id).pinned = true; }
  void operator()(const CheckpointUnpinned& e) { KnownCheckpoint(state, e.id).pinned = false; }
  void operator()(const CheckpointDamaged& e) { KnownCheckpoint(state, e.id).damaged = true; }
  void operator()(const CheckpointRestored& e) { KnownCheckpoint(state, e.id).damaged = false; }

  void operator()(const RunSetBack& e) {
    const Checkpoint base = KnownCheckpoint(state, e.base).checkpoint;
    const Checkpoint damaged = KnownCheckpoint(state, e.damaged).checkpoint;
    auto& by_step = state.facts.checkpoints[base.specialist];
    for (auto it = by_step.upper_bound(base.step); it != by_step.end(); it = by_step.upper_bound(base.step)) {
      ICPT_CHECK(it->second.damaged) << e.task << " set back behind the intact " << it->second.checkpoint.id;
      Discard(state, Checkpoint(it->second.checkpoint));
    }
    TaskFacts& task = state.facts.tasks[e.task];
    ICPT_CHECK(e.next_chunk <= task.next_chunk) << e.task << " set back to chunk " << e.next_chunk;
    const bool open = e.next_chunk < task.next_chunk;
    task.next_chunk = e.next_chunk;
    task.set_back = SetBackFacts{.base = e.base, .damaged = e.damaged, .step = damaged.step};
    if (!task.done || !open) return;
    task.done = false;
    state.facts.finished = false;
  }

  void operator()(const RemovalDecided& e) {
    const Checkpoint gone = KnownCheckpoint(state, e.id).checkpoint;
    Discard(state, gone);
  }

  void operator()(const RemovalDone& e) {
    state.facts.removals.erase(e.blob);
    state.soft.removals_sent.erase(e.blob);
  }

  void operator()(const EvaluationRecorded& e) {
    const Evaluation& evaluation = e.evaluation;
    state.facts.evaluations[{evaluation.specialist, evaluation.kind, evaluation.chunk}] = evaluation;
  }

  void operator()(const ChunkCompleted& e) {
    TaskFacts& task = HeldTask(state, e.task);
    ICPT_CHECK(e.chunk == task.next_chunk)
        << e.task.task << " finished chunk " << e.chunk << " before " << task.next_chunk;
    task.next_chunk += 1;
    task.chunks_ended = std::max(task.chunks_ended, task.next_chunk);
    task.failures = 0;
    if (!e.last) return;
    task.done = true;
    Vacate(state, e.task.task, task);
    task.reason.clear();
  }

  void operator()(const PlanPaused& e) {
    state.facts.paused = true;
    state.facts.pause_reason = e.reason;
    for (auto& [task, lease] : state.soft.leases) {
      lease.save_asked.reset();
      lease.saved_since_pause = false;
    }
  }

  void operator()(const PlanResumed&) {
    state.facts.paused = false;
    state.facts.pause_reason.clear();
    for (auto& [name, task] : state.facts.tasks) {
      if (!task.holder) task.reason.clear();
      task.paused = false;
      task.failures = 0;
    }
    state.soft.not_before.clear();
  }

  void operator()(const PlanFinished&) { state.facts.finished = true; }

  void operator()(const HistoryLost& e) {
    ICPT_CHECK(e.now.number > NewestStart(state.facts).number) << "incarnation " << e.now.number;
    RememberStart(state.facts, e.now);
    state.facts.lost_through = std::max(state.facts.lost_through, e.seen.number);
    state.facts.term_floor = e.term_floor;
    for (auto& [name, task] : state.facts.tasks) {
      if (!task.holder) continue;
      Vacate(state, name, task);
      task.reason = "its term belongs to a history that this journal has lost";
    }
  }
};

}  // namespace

void Apply(State& state, const Event& event) {
  if (const auto* soft = std::get_if<SoftEvent>(&event)) {
    ApplySoft(state, *soft);
    return;
  }
  const Fact& fact = std::get<Fact>(event);
  std::visit(Applier{state}, fact.body);
  state.facts.events += 1;
  if (!fact.request.id.empty()) state.facts.requests.Remember(fact.request);
}

}  // namespace interceptor::coordinator
