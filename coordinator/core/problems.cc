#include "coordinator/core/problems.h"

#include <algorithm>
#include <utility>

#include "common/base/status.h"
#include "common/text/text.h"
#include "coordinator/core/limits.h"
#include "coordinator/core/queries.h"

namespace interceptor::coordinator {
namespace {

// Lower is worse.
enum class Rank { kStopped, kDanger, kAway, kLate };

struct Problems {
  const State& state;
  const StatusView& view;
  MonotonicTime now;
  std::vector<std::pair<Rank, std::string>> lines;

  void Add(Rank rank, std::string line) { lines.emplace_back(rank, std::move(line)); }
};

std::string Seconds(absl::Duration duration) {
  return absl::FormatDuration(absl::Floor(duration, absl::Seconds(1)));
}

void AddPauses(Problems& p) {
  const Facts& facts = p.state.facts;
  for (const TaskView& view : p.view.tasks) {
    if (view.state != TaskState::kPaused) continue;
    const TaskFacts& task = TaskOf(p.state, view.task);
    if (!task.paused) continue;
    p.Add(Rank::kStopped, Cat(view.task, " is paused: ", task.reason, "; fix it, then `interceptor resume`"));
  }
  if (facts.paused) {
    p.Add(Rank::kStopped, Cat("the plan is paused: ", facts.pause_reason, "; `interceptor resume` goes on"));
  }
}

void AddDisk(Problems& p) {
  const int64_t free_bytes = p.state.soft.free_bytes;
  const int64_t low = LowDiskBytes(p.state.soft.plan);
  if (DiskIsLow(p.state)) {
    p.Add(Rank::kStopped, Cat("the coordinator's disk is low: ", free_bytes, " bytes free, ", low,
                              " needed; nothing is granted or saved until then"));
    return;
  }
  const int64_t to_come = CheckpointBytesToCome(p.state);
  if (free_bytes < 0 || free_bytes - low >= to_come) return;
  p.Add(Rank::kLate, Cat("the coordinator's disk will run low: ", free_bytes,
                         " bytes free, the plan's checkpoints take up to ", to_come, " more, and ", low,
                         " must stay free; free some space in time"));
}

void AddDamage(Problems& p) {
  for (const auto& [specialist, by_step] : p.state.facts.checkpoints) {
    for (const auto& [step, checkpoint] : by_step) {
      if (!checkpoint.damaged) continue;
      const std::optional<RunSetBack> back = NeededSetBack(p.state, TrainTask(specialist));
      p.Add(Rank::kDanger,
            Cat("checkpoint ", checkpoint.checkpoint.id, " is damaged: its blob ",
                checkpoint.checkpoint.blob.hex, " is missing or changed; restore it from a copy",
                back ? Cat(", else ", specialist, " goes on from ", back->base, " when it is granted next")
                     : ""));
    }
  }
  for (const auto& [name, task] : p.state.facts.tasks) {
    if (!task.set_back) continue;
    p.Add(Rank::kLate, Cat(GoesOnFrom(name, task.set_back->base, task.set_back->damaged),
                           "; what lay between is trained again"));
  }
}

void AddUnusableChunks(Problems& p) {
  for (const ChunkView& chunk : p.view.chunks) {
    for (const ChunkProblem& problem : chunk.problems) {
      if (!problem.needs_action) continue;
      const std::string& box = p.state.facts.members.at(problem.member).box;
      p.Add(Rank::kDanger, Cat("chunk ", chunk.chunk, " on ", NameBox(p.state, box), ": ", problem.text));
    }
  }
}

bool HasWork(const State& state, const std::string& member) {
  const PlanIndex& index = state.soft.index;
  const auto open = [&](std::string_view task) { return !TaskOf(state, task).done; };
  const std::vector<std::string>* group = FindIn(index.group_of, member);
  if (group != nullptr && std::ranges::any_of(*group, open)) return true;
  const std::string* integrator = FindIn(index.home_of, kIntegrateTask);
  return integrator != nullptr && *integrator == member && open(kIntegrateTask);
}

void AddAbsent(Problems& p) {
  for (const WorkerView& worker : p.view.workers) {
    if (worker.connected) continue;
    const std::optional<MonotonicTime> gone = GoneSince(p.state, worker.member);
    if (!gone || !HasWork(p.state, worker.member)) continue;
    const absl::Duration away = p.now - *gone;
    if (away < p.state.soft.plan.lease_ttl) continue;
    p.Add(Rank::kAway, Cat(worker.member, "'s worker is not connected (", Seconds(away), "): start it"));
  }
}

void AddOverfitting(Problems& p) {
  for (const TaskView& task : p.view.tasks) {
    if (task.state == TaskState::kDone || !task.newest_validation ||
        !ShowsOverfitting(*task.newest_validation))
      continue;
    const Evaluation& validation = *task.newest_validation;
    p.Add(Rank::kLate, Cat(task.task, " overfits: validation at step ", validation.step, ", ",
                           DescribeValidation(validation),
                           "; it trains on as planned, `interceptor pin` keeps an earlier checkpoint"));
  }
}

void AddBias(Problems& p) {
  for (const TaskView& task : p.view.tasks) {
    if (!task.newest_held_out || !task.newest_held_out->bias) continue;
    const Bias& bias = *task.newest_held_out->bias;
    const std::string alarms = DescribeAlarms(bias.after);
    if (alarms.empty()) continue;
    p.Add(Rank::kLate, Cat(task.task, " is biased after chunk index ", task.newest_held_out->chunk, ": ",
                           alarms, bias.next_sampling.empty() ? "" : "; the next chunk is sampled against it",
                           "; see `interceptor bias ", SpecialistOf(task.task), "`"));
  }
}

void AddLate(Problems& p) {
  for (const TaskView& task : p.view.tasks) {
    if (task.checkpoint_overdue) {
      const absl::Duration unsaved = absl::Seconds(UnsavedSeconds(p.state, task.task));
      p.Add(Rank::kLate, Cat(task.task, ": the checkpoint is overdue, ", Seconds(unsaved),
                             " of training are not published"));
    }
    if (task.state == TaskState::kRunning && task.progress && !task.progress->trouble.empty()) {
      const Lease* lease = LeaseOf(p.state, task.task);
      if (lease != nullptr && lease->progress)
        p.Add(Rank::kLate, Cat(task.task, ": ", task.progress->trouble));
    }
    if (task.failures == 0 || task.state == TaskState::kDone) continue;
    const TaskFacts& facts = TaskOf(p.state, task.task);
    if (facts.paused) continue;
    p.Add(Rank::kLate, Cat(task.task, " failed ", Counted(task.failures, "time", "times"), " in a row",
                           facts.reason.empty() ? "" : ", last: ", facts.reason));
  }
}

}  // namespace

bool CheckpointIsOverdue(const State& state, std::string_view task) {
  if (SpecialistOf(task).empty()) return false;
  const double period = absl::ToDoubleSeconds(state.soft.plan.checkpoint_period);
  return UnsavedSeconds(state, task) >= kOverdueFactor * period;
}

std::vector<std::string> FindProblems(const State& state, const StatusView& view, MonotonicTime now) {
  Problems problems{state, view, now, {}};
  AddPauses(problems);
  AddDisk(problems);
  AddDamage(problems);
  AddUnusableChunks(problems);
  AddAbsent(problems);
  AddOverfitting(problems);
  AddBias(problems);
  AddLate(problems);
  std::stable_sort(problems.lines.begin(), problems.lines.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  std::vector<std::string> lines;
  for (auto& [rank, line] : problems.lines) lines.push_back(std::move(line));
  return lines;
}

}  // namespace interceptor::coordinator
