#include "tests/simulation/checkers/fact_check.h"

#include <algorithm>

#include "common/base/status.h"
#include "coordinator/core/queries.h"

namespace interceptor::simulation {
namespace {

using coordinator::CheckpointFacts;
using coordinator::Facts;
using coordinator::TaskFacts;

const TaskFacts& TaskIn(const Facts& facts, const std::string& task) {
  static const TaskFacts initial;
  const auto found = facts.tasks.find(task);
  return found == facts.tasks.end() ? initial : found->second;
}

const std::map<int64_t, CheckpointFacts>& CheckpointsIn(const Facts& facts, const std::string& specialist) {
  static const std::map<int64_t, CheckpointFacts> none;
  const auto found = facts.checkpoints.find(specialist);
  return found == facts.checkpoints.end() ? none : found->second;
}

const CheckpointFacts* Find(const Facts& facts, const std::string& id) {
  for (const auto& [specialist, by_step] : facts.checkpoints) {
    for (const auto& [step, checkpoint] : by_step) {
      if (checkpoint.checkpoint.id == id) return &checkpoint;
    }
  }
  return nullptr;
}

const CheckpointFacts* NewestGood(const std::map<int64_t, CheckpointFacts>& by_step) {
  const CheckpointFacts* newest = nullptr;
  for (const auto& [step, facts] : by_step) {
    if (!facts.damaged) newest = &facts;
  }
  return newest;
}

bool IsReferenced(const Facts& facts, const Digest& blob) {
  for (const auto& [name, chunk] : facts.chunks) {
    if (chunk.manifest && chunk.manifest->blob == blob) return true;
  }
  for (const auto& [key, evaluation] : facts.evaluations) {
    if (evaluation.score_table == blob) return true;
  }
  for (const auto& [specialist, by_step] : facts.checkpoints) {
    for (const auto& [step, checkpoint] : by_step) {
      if (checkpoint.checkpoint.blob == blob) return true;
    }
  }
  return false;
}

}  // namespace

struct FactCheck::Looker {
  FactCheck& check;
  const Facts& before;

  void Violate(std::string_view invariant, const std::string& text) { check.world_.Violate(invariant, text); }

  template <typename Event>
  void operator()(const Event&) {}

  void operator()(const coordinator::CoordinatorStarted& e) {
    const int64_t last = coordinator::NewestStart(before).number;
    if (e.incarnation.number != last + 1) {
      Violate("I5 each start has a number of its own",
              Cat("incarnation ", e.incarnation.number, " after ", last));
    }
  }

  void operator()(const coordinator::HistoryLost& e) {
    Violate("I4 a journal that was never put back has lost nothing", e.why);
  }

  void operator()(const coordinator::TaskGranted& e) {
    const TaskFacts& task = TaskIn(before, e.task);
    if (e.term != task.term + 1) {
      Violate("I7 terms strictly increase", Cat(e.task, " granted at term ", e.term, " after ", task.term));
    }
    if (task.holder && !task.holder->lease_dead) {
      Violate("I7 one live holder a task",
              Cat(e.task, " granted to box ", e.box, " while box ", task.holder->box, " holds it"));
    }
    if (task.done || e.next_chunk != task.next_chunk) {
      Violate("I12 chunks in order", Cat(e.task, " granted from chunk ", e.next_chunk, ", next is ",
                                         task.next_chunk, task.done ? ", done" : ""));
    }
    const CheckpointFacts* newest = NewestGood(CheckpointsIn(before, SpecialistOf(e.task)));
    if (e.base != (newest == nullptr ? "" : newest->checkpoint.id)) {
      Violate("I21 a run goes on from its newest good checkpoint",
              Cat(e.task, " granted from '", e.base, "', the newest is '",
                  newest == nullptr ? "" : newest->checkpoint.id, "'"));
    } else if (newest != nullptr && e.next_chunk > ChunksCovered(newest->checkpoint)) {
      Violate("I21 a run's position follows its checkpoint back",
              Cat(e.task, " granted from chunk ", e.next_chunk, ", ", e.base, " stands before ",
                  ChunksCovered(newest->checkpoint)));
    }
  }

  void operator()(const coordinator::ChunkCompleted& e) {
    const TaskFacts& task = TaskIn(before, e.task.task);
    if (e.chunk != task.next_chunk || task.done) {
      Violate("I12 chunks in order",
              Cat(e.task.task, " finished chunk ", e.chunk, ", next is ", task.next_chunk));
    }
    CheckTerm(e.task);
  }

  void operator()(const coordinator::TaskFailureRecorded& e) { CheckTerm(e.task); }
  void operator()(const coordinator::TaskReleased& e) { CheckTerm(e.task); }

  void CheckTerm(const TaskRef& ref) {
    const TaskFacts& task = TaskIn(before, ref.task);
    if (ref.term == task.term) return;
    Violate("I8 a stale term changes nothing",
            Cat(ref.task, ": a fact of term ", ref.term, " at term ", task.term));
  }

  void operator()(const coordinator::ManifestCommitted& e) {
    const auto chunk = before.chunks.find(e.manifest.chunk);
    if (chunk != before.chunks.end() && chunk->second.manifest) {
      Violate("I18 folds never change once committed",
              Cat("chunk ", e.manifest.chunk, ": manifest ", e.manifest.blob.hex.substr(0, 8), " after ",
                  chunk->second.manifest->blob.hex.substr(0, 8)));
    }
    check.CheckThere("manifest", e.manifest.blob);
  }

  void operator()(const coordinator::EvaluationRecorded& e) {
    check.CheckThere("score table", e.evaluation.score_table);
  }

  void operator()(const coordinator::CheckpointCommitted& e) {
    const std::string task_name = TrainTask(e.checkpoint.specialist);
    const TaskFacts& task = TaskIn(before, task_name);
    if (e.term != task.term || !task.holder || task.holder->box != e.box) {
      Violate("I11 nothing of a superseded holder is committed",
              Cat(e.checkpoint.id, " by box ", e.box, " at term ", e.term, ", the term is ", task.term));
    }
    const auto& by_step = CheckpointsIn(before, e.checkpoint.specialist);
    if (!by_step.empty() && by_step.rbegin()->first >= e.checkpoint.step) {
      Violate("I14 a run never moves back",
              Cat(e.checkpoint.id, " after ", by_step.rbegin()->second.checkpoint.id));
    }
    // What was lost is trained again and comes back.
    if (check.vault_.Verify(e.checkpoint.blob).ok()) check.damaged_.erase(e.checkpoint.blob.hex);
    check.CheckThere("checkpoint", e.checkpoint.blob);
  }

  void operator()(const coordinator::CheckpointDamaged& e) {
    const CheckpointFacts* damaged = Find(before, e.id);
    if (damaged != nullptr && check.once_damaged_.contains(damaged->checkpoint.blob.hex)) return;
    Violate("I21 only what was damaged counts as damaged", e.id);
  }

  void operator()(const coordinator::RunSetBack& e) {
    const TaskFacts& task = TaskIn(before, e.task);
    const auto& by_step = CheckpointsIn(before, SpecialistOf(e.task));
    const CheckpointFacts* newest = NewestGood(by_step);
    if (task.holder && !task.holder->lease_dead) Violate("I21 a live holder is not set back", e.task);
    if (newest == nullptr || newest->checkpoint.id != e.base || !by_step.rbegin()->second.damaged) {
      return Violate("I21 a run goes on from its newest good checkpoint",
                     Cat(e.task, " set back to ", e.base));
    }
    const int covered = std::min(task.next_chunk, ChunksCovered(newest->checkpoint));
    if (e.next_chunk == covered) return;
    Violate("I12 chunks in order",
            Cat(e.task, " set back to chunk ", e.next_chunk, ", ", e.base, " stands before ", covered));
  }

  void operator()(const coordinator::RemovalDecided& e) {
    const CheckpointFacts* gone = Find(before, e.id);
    if (gone == nullptr) return Violate("I19 removals name what is there", e.id);
    const std::string& specialist = gone->checkpoint.specialist;
    const TaskFacts& task = TaskIn(before, TrainTask(specialist));
    if (gone->pinned) Violate("I20 a pinned checkpoint stays", e.id);
    if (task.holder && task.base == e.id) Violate("I20 a checkpoint in use stays", e.id);
    int newer = 0;
    const auto& by_step = CheckpointsIn(before, specialist);
    for (auto it = by_step.upper_bound(gone->checkpoint.step); it != by_step.end(); ++it) {
      if (it->second.damaged) continue;
      ++newer;
      check.CheckThere("the checkpoint that takes its place", it->second.checkpoint.blob);
    }
    if (newer < check.options_.plan.keep_latest) {
      Violate("I19 the newest two stay", Cat(e.id, " goes with ", newer, " newer ones"));
    }
  }
};

void FactCheck::See(const coordinator::Fact& fact, const Facts& before) {
  std::visit(Looker{*this, before}, fact.body);
}

void FactCheck::CheckThere(std::string_view what, const Digest& blob) {
  if (vault_.Verify(blob).ok() || damaged_.contains(blob.hex)) return;
  world_.Violate("I18 what is committed is in the vault", Cat(what, " ", blob.hex.substr(0, 12)));
}

void FactCheck::Removed(const Digest& blob, bool swept, const Facts& durable) {
  if (IsReferenced(durable, blob)) {
    world_.Violate(
        "I19 no good blob is removed",
        Cat(blob.hex.substr(0, 12), swept ? " was swept" : " was removed", ", a durable fact names it"));
  } else if (!swept && !durable.removals.contains(blob)) {
    world_.Violate("I19 a removal is durable before it happens", blob.hex.substr(0, 12));
  }
}

void FactCheck::BaseMissing(const Digest& blob, const std::string& task) {
  if (damaged_.contains(blob.hex)) return;
  world_.Violate("I20 a checkpoint in use stays", Cat(task, " found no blob ", blob.hex.substr(0, 12)));
}

void FactCheck::AtTheEnd(const Facts& facts) {
  for (const auto& [specialist, by_step] : facts.checkpoints) {
    int kept = 0;
    for (const auto& [step, checkpoint] : by_step) {
      if (!checkpoint.damaged) CheckThere("checkpoint at the end", checkpoint.checkpoint.blob);
      kept += checkpoint.pinned || checkpoint.damaged ? 0 : 1;
    }
    if (kept > options_.plan.keep_latest) {
      world_.Violate("I19 two are kept at rest", Cat(specialist, " keeps ", kept));
    }
  }
  for (const coordinator::PlanChunk& chunk : options_.plan.chunks) {
    const auto known = facts.chunks.find(chunk.name);
    if (known == facts.chunks.end() || !known->second.manifest) {
      world_.Violate("I12 chunks in order", Cat("the plan is over without a manifest of ", chunk.name));
      return;
    }
    CheckThere("manifest at the end", known->second.manifest->blob);
  }
  if (!facts.removals.empty()) {
    world_.Violate("I19 two are kept at rest", Cat(facts.removals.size(), " removals are not done"));
  }
}

}  // namespace interceptor::simulation
