#include "worker/session/chunk_tracker.h"

#include <algorithm>
#include <utility>

#include "common/base/status.h"

namespace interceptor::worker {
namespace {

// How often within the stall a preparer must be looked at for all of the time to count.
constexpr int kLooksPerStall = 4;

}  // namespace

Failure WhyItExited(const std::optional<Failure>& told, std::string_view program, const ChildExited& exited) {
  return told.value_or(Failure{
      .code = absl::StatusCode::kUnavailable, .text = Cat(program, " ", exited.reason), .retryable = true});
}

absl::Duration PauseAfter(int failures, bool disk_full) {
  if (disk_full) return kFullPause;
  const int doublings = std::clamp(failures - 1, 0, 6);
  return std::min(absl::Seconds(1) * (1 << doublings), absl::Minutes(1));
}

void ChunkTracker::SetPlan(std::vector<std::string> chunks, std::map<std::string, std::string> chunk_sha256,
                           absl::Duration stall) {
  names_ = std::move(chunks);
  plan_sha256_ = std::move(chunk_sha256);
  stall_ = stall;
}

bool ChunkTracker::IsStored(const std::string& chunk, bool whole) const {
  const auto stored = stored_.find(chunk);
  return stored != stored_.end() && (stored->second.has_train || !whole);
}

bool ChunkTracker::HasFile(const std::string& chunk) const {
  const auto file = files_.find(chunk);
  return file != files_.end() && !file->second.sha256.empty();
}

std::optional<Failure> ChunkTracker::Fault(const std::string& chunk) const {
  const auto broken = broken_.find(chunk);
  if (broken != broken_.end()) return broken->second;
  const auto file = files_.find(chunk);
  const auto plan = plan_sha256_.find(chunk);
  if (file == files_.end() || plan == plan_sha256_.end()) return std::nullopt;
  if (file->second.sha256.empty() || plan->second.empty() || file->second.sha256 == plan->second)
    return std::nullopt;
  return Failure{.code = absl::StatusCode::kDataLoss,
                 .text = Cat("chunk ", chunk, ": the zip on this box has digest ", file->second.sha256,
                             ", the plan's data has ", plan->second,
                             ": copy it again from a member who has it, then run 'interceptor resume'"),
                 .retryable = false};
}

ChunkTracker::GateState ChunkTracker::Look(int next) const {
  for (int c = 0; c <= next; ++c) {
    const std::string& chunk = Name(c);
    if (!IsStored(chunk, c == next)) {
      if (std::optional<Failure> fault = Fault(chunk))
        return {Gate::kBroken, *std::move(fault), std::nullopt};
      return {HasFile(chunk) ? Gate::kNotPrepared : Gate::kNoFile, {}, std::nullopt};
    }
    const StoredChunk& stored = stored_.at(chunk);
    const DataManifest* committed = Committed(chunk);
    if (committed == nullptr) return {Gate::kNotCommitted, {}, std::nullopt};
    if (committed->blob.hex == stored.manifest.blob.hex) continue;
    Failure failure{
        .code = absl::StatusCode::kFailedPrecondition,
        .text = Cat(
            "chunk ", chunk, ": the manifest built on this box, ", stored.manifest.blob.hex,
            ", differs from the committed one, ", committed->blob.hex,
            ": the worker's log lists the differences; remove the chunk's folder from the clip store after "
            "fixing the zip, then run 'interceptor resume'"),
        .retryable = false};
    return {Gate::kBroken, std::move(failure), ExplainManifest{stored.manifest_path, committed->blob}};
  }
  return {};
}

const DataManifest* ChunkTracker::Committed(const std::string& chunk) const {
  const auto committed = committed_.find(chunk);
  return committed == committed_.end() ? nullptr : &committed->second;
}

std::vector<StoredChunk> ChunkTracker::Unproposed() const {
  std::vector<StoredChunk> found;
  for (const std::string& chunk : names_) {
    const auto stored = stored_.find(chunk);
    const bool is_stored = stored != stored_.end();
    if (const DataManifest* committed = Committed(chunk)) {
      // What stands behind one that differs was made against it, and would bind everyone to it.
      if (is_stored && committed->blob != stored->second.manifest.blob) break;
      continue;
    }
    if (!is_stored) break;
    found.push_back(stored->second);
  }
  return found;
}

std::optional<std::string> ChunkTracker::NextToPrepare(const std::set<int>& next_chunks) const {
  if (next_chunks.empty()) return std::nullopt;
  const int ahead = std::min(*next_chunks.begin() + 1, chunk_count() - 1);
  const int last = std::max(ahead, *next_chunks.rbegin());
  for (int c = 0; c <= last; ++c) {
    const std::string& chunk = Name(c);
    // Clips that no run will train on any more are not prepared again for their own sake.
    if (IsStored(chunk, next_chunks.contains(c) || c == ahead) || Fault(chunk)) continue;
    // In the plan's order: each is compared with those before it, and must be on every box alike.
    return HasFile(chunk) ? std::optional(chunk) : std::nullopt;
  }
  return std::nullopt;
}

void ChunkTracker::Prepare(const std::set<int>& next_chunks, MonotonicTime now, ChildId& last_child,
                           SessionOutputs& out) {
  if (preparer_ || (retry_at_ && now < *retry_at_)) return;
  retry_at_.reset();
  const std::optional<std::string> chunk = NextToPrepare(next_chunks);
  if (!chunk) return;
  preparer_ =
      Preparer{.child = ++last_child, .chunk = *chunk, .looked_at = now, .quiet = absl::ZeroDuration()};
  out.push_back(StartPreparer{preparer_->child, *chunk});
}

bool ChunkTracker::IsPreparing(int next) const {
  if (!preparer_) return false;
  const auto at = std::ranges::find(names_, preparer_->chunk);
  return at - names_.begin() <= next;
}

void ChunkTracker::StopPreparer(SessionOutputs& out) {
  if (!preparer_ || preparer_->stopping) return;
  preparer_->stopping = true;
  out.push_back(StopChild{preparer_->child, StopKind::kSaveAndLeave});
}

void ChunkTracker::WatchPreparer(MonotonicTime now, SessionOutputs& out) {
  if (!preparer_ || preparer_->stopping || preparer_->failure) return;
  const absl::Duration passed = now - std::exchange(preparer_->looked_at, now);
  if (passed <= 2 * stall_ / kLooksPerStall) preparer_->quiet += passed;
  if (preparer_->quiet < stall_) return;
  preparer_->failure =
      Failure{.code = absl::StatusCode::kDeadlineExceeded,
              .text = Cat("interceptor-prepare showed no progress for ", absl::FormatDuration(stall_)),
              .retryable = true};
  out.push_back(StopChild{preparer_->child, StopKind::kAtOnce});
}

std::optional<MonotonicTime> ChunkTracker::NextWake() const {
  if (!preparer_ || preparer_->stopping || stall_ == absl::InfiniteDuration()) return retry_at_;
  return preparer_->looked_at + stall_ / kLooksPerStall;
}

bool ChunkTracker::OnMoved(const PreparerMoved& moved) {
  if (!preparer_ || preparer_->child != moved.child || preparer_->done == moved.done) return false;
  preparer_->done = moved.done;
  preparer_->quiet = absl::ZeroDuration();
  // It got beyond where the one before it ended: that one's end is history.
  if (moved.done > 0) trouble_.clear();
  return true;
}

bool ChunkTracker::OnBuilt(const ManifestBuilt& built) {
  if (!preparer_ || preparer_->child != built.child) return false;
  preparer_->built = true;
  trouble_.clear();
  failures_.erase(preparer_->chunk);
  stored_[preparer_->chunk] = built.stored;
  return true;
}

bool ChunkTracker::OnFailed(const ChildFailed& failed) {
  if (!preparer_ || preparer_->child != failed.child) return false;
  preparer_->failure = failed.failure;
  return true;
}

bool ChunkTracker::OnExited(const ChildExited& exited, MonotonicTime now, SessionOutputs& out) {
  if (!preparer_ || preparer_->child != exited.child) return false;
  const Preparer gone = *std::move(preparer_);
  preparer_.reset();
  if (gone.built || gone.stopping) return true;
  const Failure failure = WhyItExited(gone.failure, "interceptor-prepare", exited);
  const bool full = IsDiskFull(failure);
  const int failures = failures_[gone.chunk] += full ? 0 : 1;
  if (failure.retryable && failures < kChildFailuresMax) {
    const absl::Duration pause = PauseAfter(failures, full);
    retry_at_ = now + pause;
    trouble_ = Cat("preparing chunk ", gone.chunk, " failed: ", failure.text, "; tried again after ",
                   absl::FormatDuration(pause));
    out.push_back(Note{true, trouble_});
    return true;
  }
  trouble_.clear();  // reported as a failure from here on
  out.push_back(Note{true, Cat("preparing chunk ", gone.chunk, " failed: ", failure.text)});
  broken_[gone.chunk] =
      Failure{failure.code, Cat("chunk ", gone.chunk, ": ", failure.text), failure.retryable};
  return true;
}

void ChunkTracker::ClearFailures(int last_chunk) {
  for (int c = 0; c <= last_chunk && c < chunk_count(); ++c) {
    broken_.erase(Name(c));
    failures_.erase(Name(c));
  }
}

}  // namespace interceptor::worker
