#include "coordinator/service/status_cache.h"

namespace interceptor::coordinator {

StatusCache::Message StatusCache::For(const std::shared_ptr<const Snapshot>& snapshot) {
  absl::MutexLock lock(&mutex_);
  if (snapshot != snapshot_) {
    message_ = std::make_shared<const v1::GetStatusResponse>(ToProto(*snapshot, exposure_));
    snapshot_ = snapshot;
  }
  return message_;
}

}  // namespace interceptor::coordinator
