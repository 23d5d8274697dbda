#include "coordinator/core/retention.h"

#include <ranges>

#include "coordinator/core/limits.h"
#include "coordinator/core/queries.h"

namespace interceptor::coordinator {
namespace {

// The step at and above which a checkpoint is one of the newest intact `keep`; nothing when there are fewer.
std::optional<int64_t> OldestKept(const CheckpointsByStep& by_step, int keep) {
  int intact = 0;
  for (const auto& [step, facts] : std::views::reverse(by_step)) {
    intact += facts.damaged ? 0 : 1;
    if (intact == keep) return step;
  }
  return std::nullopt;
}

void AskToReadBack(Draft& draft, const Digest& blob) {
  draft.Do(CheckBlob{blob});
  draft.Note(CheckSent{blob, draft.now});
}

// Whether every kept checkpoint was read back whole since the newest was committed; asks for what was not.
bool KeptWereReadBack(Draft& draft, const CheckpointsByStep& by_step) {
  const Soft& soft = draft.state.soft;
  const std::optional<int64_t> oldest_kept = OldestKept(by_step, soft.plan.keep_latest);
  bool all = oldest_kept.has_value();
  for (auto it = by_step.lower_bound(oldest_kept.value_or(0)); it != by_step.end(); ++it) {
    if (it->second.damaged) continue;
    const Digest& blob = it->second.checkpoint.blob;
    const BlobCheck* check = FindIn(soft.checks, blob);
    if (check != nullptr && check->intact) continue;
    all = false;
    if (check == nullptr || draft.now - check->asked >= absl::Milliseconds(kRemovalRetryMs)) {
      AskToReadBack(draft, blob);
    }
  }
  return all;
}

}  // namespace

std::vector<std::string> Removable(const State& state, std::string_view specialist) {
  std::vector<std::string> ids;
  const CheckpointsByStep& by_step = CheckpointsOf(state, specialist);
  const std::optional<int64_t> oldest_kept = OldestKept(by_step, state.soft.plan.keep_latest);
  if (!oldest_kept) return ids;
  const TaskFacts& task = TaskOf(state, TrainTask(specialist));
  for (const auto& [step, facts] : by_step) {
    if (step >= *oldest_kept) break;
    const bool in_use = task.holder && task.base == facts.checkpoint.id;
    if (!facts.pinned && !in_use) ids.push_back(facts.checkpoint.id);
  }
  return ids;
}

int64_t BytesAtRest(const State& state, const Checkpoint& added) {
  int64_t bytes = added.blob.size_bytes;
  for (const auto& [specialist, by_step] : state.facts.checkpoints) {
    // The one added is the newest of its specialist and takes a place among the kept.
    const int keep = state.soft.plan.keep_latest - (specialist == added.specialist ? 1 : 0);
    int intact = 0;
    for (const auto& [step, facts] : std::views::reverse(by_step)) {
      const bool newest = !facts.damaged && intact < keep;
      intact += newest ? 1 : 0;
      if (newest || facts.pinned) bytes += facts.checkpoint.blob.size_bytes;
    }
  }
  return bytes;
}

void ReadNewestBack(Draft& draft, std::string_view specialist) {
  const CheckpointFacts* newest = NewestCommitted(draft.state, specialist);
  if (newest != nullptr && !newest->damaged) AskToReadBack(draft, newest->checkpoint.blob);
}

void DecideRemovals(Draft& draft) {
  for (const auto& [specialist, by_step] : draft.state.facts.checkpoints) {
    const std::vector<std::string> ids = Removable(draft.state, specialist);
    if (ids.empty() || !KeptWereReadBack(draft, by_step)) continue;
    for (const std::string& id : ids) draft.Record(RemovalDecided{id});
  }
}

void AskForRemovals(Draft& draft) {
  for (const auto& [blob, specialist] : draft.state.facts.removals) {
    const MonotonicTime* sent = FindIn(draft.state.soft.removals_sent, blob);
    if (sent != nullptr && draft.now - *sent < absl::Milliseconds(kRemovalRetryMs)) continue;
    draft.Do(RemoveBlob{blob});
    draft.Note(RemovalSent{blob, draft.now});
  }
}

}  // namespace interceptor::coordinator
