#include "coordinator/core/queries.h"

#include <algorithm>
#include <ranges>

#include "common/base/status.h"
#include "coordinator/core/limits.h"

namespace interceptor::coordinator {
namespace {

enum class Copy { kNone, kSame, kOther };

// What a box has of a chunk of the plan; nothing while no digest holds, or beyond the plan's end.
Copy CopyOnBox(const State& state, std::string_view box, int chunk) {
  const BoxInfo* info = FindBox(state, box);
  if (info == nullptr || chunk < 0 || chunk >= static_cast<int>(state.soft.plan.chunks.size()))
    return Copy::kNone;
  const std::string& name = state.soft.plan.chunks[chunk].name;
  const std::string& sha256 = ChunkOf(state, name).sha256;
  const ChunkOnBox* copy = FindChunk(info->chunks, name);
  if (copy == nullptr || sha256.empty() || copy->sha256.empty()) return Copy::kNone;
  return copy->sha256 == sha256 ? Copy::kSame : Copy::kOther;
}

void SortByPlan(const State& state, std::vector<std::string>& tasks) {
  const auto& position_of = state.soft.index.position_of;
  std::sort(tasks.begin(), tasks.end(), [&](const std::string& a, const std::string& b) {
    return position_of.at(a) < position_of.at(b);
  });
}

}  // namespace

Incarnation NewestStart(const Facts& facts) {
  if (facts.starts.empty()) return {};
  return {facts.starts.rbegin()->first, facts.starts.rbegin()->second};
}

const Session* FindSession(const State& state, SessionId id) { return FindIn(state.soft.sessions, id); }

SessionId SessionOfBox(const State& state, std::string_view box) {
  const BoxInfo* info = FindBox(state, box);
  return info == nullptr ? 0 : info->session;
}

SessionId SessionOfMember(const State& state, std::string_view member) {
  const MemberFacts* facts = FindIn(state.facts.members, member);
  return facts == nullptr || facts->left ? 0 : SessionOfBox(state, facts->box);
}

bool IsPlanTask(const State& state, std::string_view task) { return state.soft.index.home_of.contains(task); }

const TaskFacts& TaskOf(const State& state, std::string_view task) {
  static const TaskFacts initial;
  const TaskFacts* facts = FindIn(state.facts.tasks, task);
  return facts == nullptr ? initial : *facts;
}

const ChunkFacts& ChunkOf(const State& state, std::string_view chunk) {
  static const ChunkFacts initial;
  const ChunkFacts* facts = FindIn(state.facts.chunks, chunk);
  return facts == nullptr ? initial : *facts;
}

const CheckpointsByStep& CheckpointsOf(const State& state, std::string_view specialist) {
  static const CheckpointsByStep none;
  const CheckpointsByStep* by_step = FindIn(state.facts.checkpoints, specialist);
  return by_step == nullptr ? none : *by_step;
}

const Lease* LeaseOf(const State& state, std::string_view task) { return FindIn(state.soft.leases, task); }

std::vector<std::string> HeldTasks(const State& state,
                                   const std::function<bool(const std::string&, const Lease&)>& wanted) {
  std::vector<std::string> tasks;
  for (const auto& [name, lease] : state.soft.leases) {
    if (wanted(name, lease)) tasks.push_back(name);
  }
  SortByPlan(state, tasks);
  return tasks;
}

std::vector<std::string> TasksHeldBy(const State& state, std::string_view box) {
  const auto* held = FindIn(state.soft.held_by, box);
  if (held == nullptr) return {};
  std::vector<std::string> tasks(held->begin(), held->end());
  SortByPlan(state, tasks);
  return tasks;
}

int HeldBy(const State& state, std::string_view box) {
  const auto* held = FindIn(state.soft.held_by, box);
  return held == nullptr ? 0 : static_cast<int>(held->size());
}

bool HoldsLease(const State& state, std::string_view box, LeaseState wanted) {
  return std::ranges::any_of(TasksHeldBy(state, box), [&](const std::string& task) {
    return TaskOf(state, task).holder->lease_dead == (wanted == LeaseState::kDead);
  });
}

const MemberFacts* MemberOfBox(const State& state, std::string_view box) {
  const std::string* member = FindIn(state.soft.member_of_box, box);
  return member == nullptr ? nullptr : &state.facts.members.at(*member);
}

absl::Status CheckHolder(const State& state, std::string_view box, const TaskRef& ref) {
  if (!IsPlanTask(state, ref.task)) return NotFound("task '", CleanText(ref.task), "' is not in the plan");
  const TaskFacts& task = TaskOf(state, ref.task);
  if (ref.term != task.term) {
    return Aborted("term ", ref.term, " of ", ref.task, " is stale, the newest is ", task.term,
                   ": drop the work");
  }
  if (!task.holder) {
    return Aborted("term ", ref.term, " of ", ref.task, " is over (", task.done ? "done" : task.reason,
                   "): drop the work");
  }
  if (task.holder->box != box) {
    return Aborted(ref.task, " is held by ", NameBox(state, task.holder->box), ": drop the work");
  }
  return absl::OkStatus();
}

const Checkpoint* NewestCheckpoint(const State& state, std::string_view specialist) {
  for (const auto& [step, facts] : std::views::reverse(CheckpointsOf(state, specialist))) {
    if (!facts.damaged) return &facts.checkpoint;
  }
  return nullptr;
}

const CheckpointFacts* NewestCommitted(const State& state, std::string_view specialist) {
  const CheckpointsByStep& by_step = CheckpointsOf(state, specialist);
  return by_step.empty() ? nullptr : &by_step.rbegin()->second;
}

std::optional<RunSetBack> NeededSetBack(const State& state, const std::string& task) {
  const std::string specialist = SpecialistOf(task);
  const CheckpointFacts* newest = NewestCommitted(state, specialist);
  if (newest == nullptr || !newest->damaged) return std::nullopt;
  const Checkpoint* base = NewestCheckpoint(state, specialist);
  if (base == nullptr) return std::nullopt;
  const int next_chunk = std::min(TaskOf(state, task).next_chunk, ChunksCovered(*base));
  return RunSetBack{task, next_chunk, base->id, newest->checkpoint.id};
}

std::string GoesOnFrom(std::string_view task, std::string_view base, std::string_view damaged) {
  return Cat(SpecialistOf(task), " goes on from ", base, ": ", damaged, " is damaged in the vault");
}

const CheckpointFacts* FindCheckpoint(const State& state, std::string_view id) {
  for (const auto& [step, kept] : CheckpointsOf(state, id.substr(0, id.rfind('-')))) {
    if (kept.checkpoint.id == id) return &kept;
  }
  return nullptr;
}

int64_t UnsavedSteps(const State& state, std::string_view task) {
  const Lease* lease = LeaseOf(state, task);
  return lease == nullptr ? 0 : UnsavedSteps(state, task, *lease);
}

int64_t UnsavedSteps(const State& state, std::string_view task, const Lease& lease) {
  if (!lease.progress) return 0;
  const Checkpoint* newest = NewestCheckpoint(state, SpecialistOf(task));
  return std::max<int64_t>(0, lease.progress->step - (newest == nullptr ? 0 : newest->step));
}

bool MayHaveUnsavedWork(const State& state, std::string_view task) {
  const Lease* lease = LeaseOf(state, task);
  if (lease == nullptr) return false;
  return lease->progress ? UnsavedSteps(state, task) > 0 : !lease->fresh;
}

double UnsavedSeconds(const State& state, std::string_view task) {
  const Lease* lease = LeaseOf(state, task);
  if (lease == nullptr || !lease->progress) return 0;
  const Checkpoint* newest = NewestCheckpoint(state, SpecialistOf(task));
  const double saved = newest == nullptr ? 0 : newest->training_seconds;
  return std::max(0.0, lease->progress->training_seconds - saved);
}

bool AtChunkBoundary(const State& state, std::string_view task) {
  if (MayHaveUnsavedWork(state, task)) return false;
  const Checkpoint* newest = NewestCheckpoint(state, SpecialistOf(task));
  const int next_chunk = TaskOf(state, task).next_chunk;
  if (newest == nullptr) return next_chunk == 0;
  return newest->reason == SaveReason::kChunkEnd && ChunksCovered(*newest) == next_chunk;
}

const BoxInfo* FindBox(const State& state, std::string_view box) { return FindIn(state.soft.boxes, box); }

const ChunkOnBox* FindChunk(const Inventory& inventory, std::string_view chunk) {
  if (inventory == nullptr) return nullptr;
  const auto copy = std::ranges::find(*inventory, chunk, &ChunkOnBox::chunk);
  return copy == inventory->end() ? nullptr : &*copy;
}

std::vector<SamplingWeight> SamplingOf(const State& state, std::string_view task, int chunk) {
  const EvaluationKey before{std::string(SpecialistOf(task)), EvaluationKind::kHeldOut, chunk - 1};
  const Evaluation* scored = FindIn(state.facts.evaluations, before);
  return scored == nullptr || !scored->bias ? std::vector<SamplingWeight>() : scored->bias->next_sampling;
}

bool BoxHasChunk(const State& state, std::string_view box, int chunk) {
  return CopyOnBox(state, box, chunk) == Copy::kSame;
}

bool BoxDiffers(const State& state, std::string_view box, int chunk) {
  return CopyOnBox(state, box, chunk) == Copy::kOther;
}

std::optional<MonotonicTime> BoxGoneSince(const State& state, std::string_view box) {
  const BoxInfo* info = FindBox(state, box);
  if (info == nullptr) return state.soft.watching_since;
  if (info->session != 0) return std::nullopt;
  return std::max(state.soft.watching_since, info->left_at);
}

std::optional<MonotonicTime> GoneSince(const State& state, std::string_view member) {
  const MemberFacts* facts = FindIn(state.facts.members, member);
  return facts == nullptr ? state.soft.watching_since : BoxGoneSince(state, facts->box);
}

std::vector<Digest> ReferencedBlobs(const Facts& facts) {
  std::vector<Digest> blobs;
  for (const auto& [name, chunk] : facts.chunks) {
    if (chunk.manifest.has_value()) blobs.push_back(chunk.manifest->blob);
  }
  for (const auto& [specialist, by_step] : facts.checkpoints) {
    for (const auto& [step, checkpoint] : by_step) blobs.push_back(checkpoint.checkpoint.blob);
  }
  for (const auto& [blob, specialist] : facts.removals) blobs.push_back(blob);
  for (const auto& [key, evaluation] : facts.evaluations) blobs.push_back(evaluation.score_table);
  return blobs;
}

int64_t LowDiskBytes(const PlanFacts& plan) {
  return plan.vault_bytes_max > 0 ? std::min(kFreeBytesMin, plan.vault_bytes_max / 2) : kFreeBytesMin;
}

int64_t CheckpointBytesToCome(const State& state) {
  int64_t largest = 0;
  for (const auto& [specialist, by_step] : state.facts.checkpoints) {
    for (const auto& [step, kept] : by_step) largest = std::max(largest, kept.checkpoint.blob.size_bytes);
  }
  if (largest == 0) largest = kCheckpointBytesUsual;
  int64_t to_come = 0;
  for (const std::string& name : state.soft.index.tasks) {
    const std::string specialist = SpecialistOf(name);
    if (specialist.empty() || TaskOf(state, name).done) continue;
    int64_t held = 0;
    for (const auto& [step, kept] : CheckpointsOf(state, specialist)) {
      held += kept.checkpoint.blob.size_bytes;
    }
    const CheckpointFacts* newest = NewestCommitted(state, specialist);
    const int64_t each = newest == nullptr ? largest : newest->checkpoint.blob.size_bytes;
    to_come += std::max<int64_t>(0, (state.soft.plan.keep_latest + 1) * each - held);
  }
  return to_come;
}

bool DiskIsLow(const State& state) {
  return state.soft.free_bytes >= 0 && state.soft.free_bytes < LowDiskBytes(state.soft.plan);
}

absl::Duration NextReportIn(const State& state) {
  return ReportInterval(static_cast<int>(state.soft.sessions.size()), state.soft.plan.lease_ttl);
}

std::string NameBox(const State& state, std::string_view box) {
  const std::string short_box(box.substr(0, 8));
  const std::string* member = FindIn(state.soft.member_of_box, box);
  return member == nullptr ? Cat("box ", short_box) : Cat(*member, "'s box ", short_box);
}

}  // namespace interceptor::coordinator
