#include "coordinator/core/queries.h"

#include <algorithm>

#include "common/base/status.h"
#include "coordinator/core/limits.h"

namespace interceptor::coordinator {
namespace {

const ChunkOnBox* FindChunkOnBox(const State& state, std::string_view box, std::string_view chunk) {
  const auto info = state.soft.boxes.find(std::string(box));
  if (info == state.soft.boxes.end()) return nullptr;
  const auto& chunks = info->second.chunks;
  const auto found =
      std::find_if(chunks.begin(), chunks.end(), [&](const auto& c) { return c.chunk == chunk; });
  return found == chunks.end() ? nullptr : &*found;
}

// The digest that holds for a chunk of the plan; empty while unknown or beyond the plan's end.
std::string ChunkDigest(const State& state, int chunk) {
  if (chunk < 0 || chunk >= static_cast<int>(state.soft.plan.chunks.size())) return "";
  const auto found = state.facts.chunks.find(state.soft.plan.chunks[chunk].name);
  return found == state.facts.chunks.end() ? "" : found->second.sha256;
}

}  // namespace

Incarnation NewestStart(const Facts& facts) {
  if (facts.starts.empty()) return {};
  return {facts.starts.rbegin()->first, facts.starts.rbegin()->second};
}

const Session* FindSession(const State& state, SessionId id) {
  const auto found = state.soft.sessions.find(id);
  return found == state.soft.sessions.end() ? nullptr : &found->second;
}

SessionId SessionOfBox(const State& state, std::string_view box) {
  const auto found = state.soft.boxes.find(std::string(box));
  return found == state.soft.boxes.end() ? 0 : found->second.session;
}

SessionId SessionOfMember(const State& state, std::string_view member) {
  const auto found = state.facts.members.find(std::string(member));
  if (found == state.facts.members.end() || found->second.left) return 0;
  return SessionOfBox(state, found->second.box);
}

bool IsPlanTask(const State& state, std::string_view task) {
  return state.soft.index.home_of.contains(std::string(task));
}

const TaskFacts& TaskOf(const State& state, std::string_view task) {
  static const TaskFacts initial;
  const auto found = state.facts.tasks.find(std::string(task));
  return found == state.facts.tasks.end() ? initial : found->second;
}

const Lease* LeaseOf(const State& state, std::string_view task) {
  const auto found = state.soft.leases.find(std::string(task));
  return found == state.soft.leases.end() ? nullptr : &found->second;
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
  const auto found = state.facts.checkpoints.find(std::string(specialist));
  if (found == state.facts.checkpoints.end()) return nullptr;
  for (auto it = found->second.rbegin(); it != found->second.rend(); ++it) {
    if (!it->second.damaged) return &it->second.checkpoint;
  }
  return nullptr;
}

const CheckpointFacts* NewestCommitted(const State& state, std::string_view specialist) {
  const auto found = state.facts.checkpoints.find(std::string(specialist));
  if (found == state.facts.checkpoints.end() || found->second.empty()) return nullptr;
  return &found->second.rbegin()->second;
}

const CheckpointFacts* FindCheckpoint(const State& state, std::string_view id) {
  for (const auto& [specialist, by_step] : state.facts.checkpoints) {
    if (id.substr(0, specialist.size() + 1) != specialist + "-") continue;
    for (const auto& [step, facts] : by_step) {
      if (facts.checkpoint.id == id) return &facts;
    }
  }
  return nullptr;
}

int64_t UnsavedSteps(const State& state, std::string_view task) {
  const Lease* lease = LeaseOf(state, task);
  if (lease == nullptr || !lease->progress) return 0;
  const Checkpoint* newest = NewestCheckpoint(state, SpecialistOf(task));
  return std::max<int64_t>(0, lease->progress->step - (newest == nullptr ? 0 : newest->step));
}

bool MayHaveUnsavedWork(const State& state, std::string_view task) {
  const Lease* lease = LeaseOf(state, task);
  if (lease == nullptr) return false;
  return lease->progress ? UnsavedSteps(state, task) > 0 : !lease->fresh;
}

double UnsavedSeconds(const State& state, std::string_view task) {
  const Lease* lease = LeaseOf(state, task);
  if (lease == nullptr || !lease->progress) return 0;
  const CheckpointFacts* newest = NewestCommitted(state, SpecialistOf(task));
  const double saved = newest == nullptr ? 0 : newest->checkpoint.training_seconds;
  return std::max(0.0, lease->progress->training_seconds - saved);
}

bool AtChunkBoundary(const State& state, std::string_view task) {
  if (MayHaveUnsavedWork(state, task)) return false;
  const Checkpoint* newest = NewestCheckpoint(state, SpecialistOf(task));
  const int next_chunk = TaskOf(state, task).next_chunk;
  if (newest == nullptr) return next_chunk == 0;
  return newest->reason == SaveReason::kChunkEnd && ChunksCovered(*newest) == next_chunk;
}

bool BoxHasChunk(const State& state, std::string_view box, int chunk) {
  const std::string digest = ChunkDigest(state, chunk);
  if (digest.empty()) return false;
  const ChunkOnBox* copy = FindChunkOnBox(state, box, state.soft.plan.chunks[chunk].name);
  return copy != nullptr && copy->sha256 == digest;
}

bool BoxDiffers(const State& state, std::string_view box, int chunk) {
  const std::string digest = ChunkDigest(state, chunk);
  if (digest.empty()) return false;
  const ChunkOnBox* copy = FindChunkOnBox(state, box, state.soft.plan.chunks[chunk].name);
  return copy != nullptr && !copy->sha256.empty() && copy->sha256 != digest;
}

std::optional<MonotonicTime> BoxGoneSince(const State& state, std::string_view box) {
  const auto found = state.soft.boxes.find(std::string(box));
  if (found == state.soft.boxes.end()) return state.soft.watching_since;
  if (found->second.session != 0) return std::nullopt;
  return std::max(state.soft.watching_since, found->second.last_seen);
}

std::optional<MonotonicTime> GoneSince(const State& state, std::string_view member) {
  const auto found = state.facts.members.find(std::string(member));
  if (found == state.facts.members.end()) return state.soft.watching_since;
  return BoxGoneSince(state, found->second.box);
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
    const CheckpointFacts* newest = NewestCommitted(state, specialist);
    if (newest != nullptr) {
      for (const auto& [step, kept] : state.facts.checkpoints.at(specialist)) {
        held += kept.checkpoint.blob.size_bytes;
      }
    }
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
  for (const auto& [name, member] : state.facts.members) {
    if (member.box == box) return Cat(name, "'s box ", short_box);
  }
  return Cat("box ", short_box);
}

}  // namespace interceptor::coordinator
