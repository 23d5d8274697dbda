#include "worker/engine/recovery.h"

#include <algorithm>
#include <utility>

#include "common/base/log.h"
#include "common/base/status.h"
#include "worker/child_protocol/run_folder.h"

namespace interceptor::worker {
namespace {

absl::Status CheckUsable(const CheckpointInfo& info, const SnapshotQuery& query) {
  ICPT_RETURN_IF_ERROR(CheckBelongs(info, query.specialist, query.plan_digest, query.seed));
  const bool descends = query.resume_digest.empty() || std::find(info.lineage.begin(), info.lineage.end(),
                                                                 query.resume_digest) != info.lineage.end();
  if (!descends) {
    return FailedPrecondition("it does not descend from checkpoint ", query.resume_digest.substr(0, 12));
  }
  return absl::OkStatus();
}

}  // namespace

std::optional<FoundSnapshot> FindSnapshot(const FileSystem& files, const Architecture& architecture,
                                          const SnapshotQuery& query) {
  std::optional<FoundSnapshot> best;
  for (int64_t number = 0; number < 2; ++number) {
    const std::string path = SnapshotPath(query.run_folder, number);
    if (!files.Exists(path)) continue;
    absl::StatusOr<Checkpoint> snapshot = ReadCheckpoint(files, path, architecture);
    const absl::Status usable =
        snapshot.ok() ? CheckUsable(snapshot->info, query) : absl::Status(snapshot.status());
    if (!usable.ok()) {
      ICPT_LOG(kWarning) << "recovery snapshot " << path << " is deleted: " << Message(usable);
      files.Remove(path).IgnoreError();
      continue;
    }
    const CheckpointInfo& info = snapshot->info;
    if (info.cursor.chunk != query.chunk || info.step <= query.step) continue;
    if (!best.has_value() || info.step > best->checkpoint.info.step) {
      best = FoundSnapshot{*std::move(snapshot), path, number};
    }
  }
  return best;
}

}  // namespace interceptor::worker
