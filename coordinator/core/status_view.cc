#include "coordinator/core/status_view.h"

#include <algorithm>
#include <limits>
#include <ranges>
#include <utility>

#include "common/base/status.h"
#include "coordinator/core/problems.h"
#include "coordinator/core/queries.h"
#include "coordinator/core/rounds.h"

namespace interceptor::coordinator {
namespace {

constexpr char kOtherFile[] =
    "it is another file than the plan's; copy it again from a member who has the right one";

std::string ChunkName(const State& state, int index) {
  const auto& chunks = state.soft.plan.chunks;
  return index < static_cast<int>(chunks.size()) ? chunks[index].name : Cat("index ", index);
}

// Why nobody holds a task that could run.
std::string WaitReason(const State& state, const std::string& name, const TaskFacts& task) {
  if (state.facts.paused) return Cat("the plan is paused: ", state.facts.pause_reason);
  if (DiskIsLow(state)) return "the coordinator's disk is low";
  if (!task.reason.empty()) return task.reason;
  const std::string& home = state.soft.index.home_of.at(name);
  if (SessionOfMember(state, home) == 0) return Cat("waiting for ", home, "'s worker to connect");
  const MemberFacts& member = state.facts.members.at(home);
  if (member.draining) return Cat(home, "'s worker is draining");
  if (BoxDiffers(state, member.box, task.next_chunk)) {
    return Cat("chunk ", ChunkName(state, task.next_chunk), " on ", NameBox(state, member.box),
               " is another file than the plan's");
  }
  return "about to be granted";
}

// What the round that is being joined, or else the last one, goes without.
std::string RoundGoesWithout(const State& state, int next_chunk) {
  const int chunk = RoundIsReady(state, next_chunk) ? next_chunk : next_chunk - 1;
  const std::string absent = chunk < 0 ? "" : DescribeAbsent(AbsentFromRound(state, chunk));
  return absent.empty() ? "" : Cat("; round ", ChunkName(state, chunk), " goes ", absent);
}

// What a box waits for that can train no step: the next chunk, or an earlier one of which it needs clips.
std::string WaitsForChunk(const State& state, const std::string& box, int next) {
  int missing = next;
  for (int c = 0; c < missing && BoxHasChunk(state, box, next); ++c) {
    if (!BoxHasChunk(state, box, c)) missing = c;
  }
  const std::string name = ChunkName(state, missing);
  const BoxInfo* info = FindBox(state, box);
  const ChunkOnBox* copy = info == nullptr ? nullptr : FindChunk(info->chunks, name);
  std::string why;
  if (copy == nullptr) {
    why = ": the file is not there";
  } else if (!copy->problem.empty()) {
    why = Cat(": ", copy->problem);
  } else if (copy->sha256.empty()) {
    why = ": its digest is being computed";
  } else if (BoxDiffers(state, box, missing)) {
    why = Cat(": ", kOtherFile);
  }
  return Cat("waiting for chunk ", name, " on ", NameBox(state, box), why);
}

// Why a task that is held is not getting on, or what it does.
std::string RunReason(const State& state, const std::string& name, const TaskFacts& task, MonotonicTime now) {
  const Lease* lease = LeaseOf(state, name);
  if (task.holder->lease_dead) return task.reason;
  if (lease == nullptr || !lease->progress) return "granted, nothing reported yet";
  if (name == kIntegrateTask && !RoundIsReady(state, task.next_chunk)) {
    return RoundWaitsFor(state, task.next_chunk);
  }
  if (!lease->progress->trouble.empty()) return lease->progress->trouble;
  if (lease->progress->phase == Phase::kWaitingForData) {
    return WaitsForChunk(state, task.holder->box, task.next_chunk);
  }
  const absl::Duration still = now - lease->last_progress;
  if (still >= state.soft.plan.lease_ttl / 2) {
    return Cat(ToString(lease->progress->phase), ", no progress for ",
               absl::FormatDuration(absl::Floor(still, absl::Seconds(1))));
  }
  return std::string(ToString(lease->progress->phase));
}

// Of the kind, up to a chunk.
std::optional<Evaluation> NewestEvaluation(const State& state, const EvaluationKey& last) {
  const auto& evaluations = state.facts.evaluations;
  auto found = evaluations.upper_bound(last);
  if (found == evaluations.begin()) return std::nullopt;
  --found;
  const bool same = found->first.specialist == last.specialist && found->first.kind == last.kind;
  return same ? std::optional(found->second) : std::nullopt;
}

TaskState StateOf(const TaskFacts& task, bool plan_paused) {
  if (task.done) return TaskState::kDone;
  if (task.holder) return TaskState::kRunning;
  return task.paused || plan_paused ? TaskState::kPaused : TaskState::kWaiting;
}

TaskView ViewTask(const State& state, const std::string& name, MonotonicTime now) {
  const TaskFacts& task = TaskOf(state, name);
  TaskView view;
  view.task = name;
  view.home_member = state.soft.index.home_of.at(name);
  view.term = task.term;
  view.state = StateOf(task, state.facts.paused);
  view.failures = task.failures;
  view.chunks_finished = task.next_chunk;
  view.chunks_total = static_cast<int>(state.soft.plan.chunks.size());
  view.since_progress = absl::InfiniteDuration();
  view.lease_left = absl::ZeroDuration();
  if (const Progress* last = FindIn(state.soft.last_progress, name)) view.progress = *last;
  if (const Lease* lease = LeaseOf(state, name)) {
    if (lease->progress) {
      view.progress = *lease->progress;
      view.since_progress = now - lease->last_progress;
    }
    view.lease_left = std::max(absl::ZeroDuration(), lease->deadline - now);
  }
  if (task.holder) {
    view.holder_member = task.holder->member;
    view.holder_box = task.holder->box;
    view.reason = RunReason(state, name, task, now);
  } else {
    view.reason = task.done     ? "every chunk is finished"
                  : task.paused ? task.reason
                                : WaitReason(state, name, task);
  }
  if (name == kIntegrateTask) view.reason += RoundGoesWithout(state, task.next_chunk);
  if (const CheckpointFacts* newest = NewestCommitted(state, SpecialistOf(name))) {
    view.newest_checkpoint = *newest;
  }
  view.newest_held_out = NewestEvaluation(
      state, {SpecialistOf(name), EvaluationKind::kHeldOut, std::numeric_limits<int>::max()});
  // A run that was set back has not come to later ones.
  view.newest_validation =
      NewestEvaluation(state, {SpecialistOf(name), EvaluationKind::kValidation, task.next_chunk});
  view.checkpoint_overdue = CheckpointIsOverdue(state, name);
  return view;
}

WorkerView ViewWorker(const State& state, const PlanMember& member, MonotonicTime now) {
  WorkerView view;
  view.member = member.name;
  view.since_seen = now - state.soft.started_at;
  const MemberFacts* facts = FindIn(state.facts.members, member.name);
  if (facts == nullptr) return view;
  view.box = facts->box;
  view.incarnation = facts->incarnation;
  view.draining = facts->draining;
  view.tasks = TasksHeldBy(state, view.box);
  const BoxInfo* box = FindBox(state, view.box);
  if (box == nullptr) return view;
  view.device = box->device;
  const Session* session = FindSession(state, box->session);
  view.connected = session != nullptr;
  view.since_seen = now - (session == nullptr ? box->left_at : session->last_seen);
  view.chunks = box->chunks;
  return view;
}

std::vector<ChunkView> ViewChunks(const State& state, const std::vector<WorkerView>& workers,
                                  const std::vector<TaskView>& tasks) {
  std::vector<ChunkView> views;
  for (const PlanChunk& chunk : state.soft.plan.chunks) {
    const ChunkFacts& facts = ChunkOf(state, chunk.name);
    views.push_back({chunk.name, facts.sha256, facts.size_bytes, facts.manifest, {}, {}, {}, {}});
  }
  for (const WorkerView& worker : workers) {
    for (ChunkView& view : views) {
      const ChunkOnBox* copy = FindChunk(worker.chunks, view.chunk);
      if (copy == nullptr) continue;
      if (!copy->problem.empty()) {
        view.problems.push_back({worker.member, copy->problem, copy->needs_action});
      }
      if (copy->sha256.empty() || view.sha256.empty()) continue;
      if (copy->sha256 == view.sha256) {
        view.members.push_back(worker.member);
      } else {
        view.differing_members.push_back(worker.member);
        view.problems.push_back({worker.member, kOtherFile, true});
      }
    }
  }
  for (const TaskView& task : tasks) {
    if (task.task == kIntegrateTask) continue;
    for (int i = 0; i < task.chunks_finished; ++i) views[i].finished_by.push_back(SpecialistOf(task.task));
  }
  return views;
}

std::vector<CheckpointFacts> ViewCheckpoints(const State& state) {
  std::vector<CheckpointFacts> views;
  for (const std::string& task : state.soft.index.tasks) {
    for (const auto& [step, facts] : std::views::reverse(CheckpointsOf(state, SpecialistOf(task)))) {
      views.push_back(facts);
    }
  }
  return views;
}

std::vector<Evaluation> ViewEvaluations(const State& state) {
  std::vector<Evaluation> views;
  if (state.facts.evaluations.empty()) return views;
  for (const std::string& task : state.soft.index.tasks) {
    const std::string specialist = SpecialistOf(task);
    auto it = state.facts.evaluations.lower_bound({specialist, EvaluationKind::kHeldOut, 0});
    const std::size_t first = views.size();
    for (; it != state.facts.evaluations.end() && it->first.specialist == specialist; ++it) {
      views.push_back(it->second);
    }
    // A chunk is looked ahead at before it is trained on, validated on while it is, and then held out from.
    std::sort(views.begin() + static_cast<std::ptrdiff_t>(first), views.end(),
              [](const Evaluation& a, const Evaluation& b) {
                const auto order = [](const Evaluation& e) {
                  return std::pair(e.chunk, e.kind == EvaluationKind::kLookAhead    ? 0
                                            : e.kind == EvaluationKind::kValidation ? 1
                                                                                    : 2);
                };
                return order(a) < order(b);
              });
  }
  return views;
}

}  // namespace

StatusView BuildStatus(const State& state, MonotonicTime now) {
  StatusView view;
  view.plan_name = state.facts.plan_name;
  view.plan_digest = state.facts.plan_digest;
  view.paused = state.facts.paused;
  view.done = state.facts.finished;
  view.tasks.reserve(state.soft.index.tasks.size());
  view.workers.reserve(state.soft.plan.members.size());
  for (const std::string& task : state.soft.index.tasks) view.tasks.push_back(ViewTask(state, task, now));
  for (const PlanMember& member : state.soft.plan.members)
    view.workers.push_back(ViewWorker(state, member, now));
  view.chunks_total = static_cast<int>(state.soft.plan.chunks.size());
  view.chunks = ViewChunks(state, view.workers, view.tasks);
  for (const ChunkView& chunk : view.chunks) {
    if (chunk.manifest) view.quarantined += chunk.manifest->quarantined;
  }
  view.problems = FindProblems(state, view, now);
  view.checkpoints = ViewCheckpoints(state);
  view.evaluations = ViewEvaluations(state);
  view.events = state.facts.events;
  view.incarnation = NewestStart(state.facts).number;
  view.vault_bytes = state.soft.vault_bytes;
  view.disk_free_bytes = state.soft.free_bytes;
  view.rounds_finished = RoundsReady(state);
  view.started_at = state.soft.started_wall;
  return view;
}

}  // namespace interceptor::coordinator
