// The newest snapshot as a message, converted once for all who ask.
#pragma once

#include <memory>

#include "absl/synchronization/mutex.h"
#include "coordinator/runtime/loop.h"
#include "coordinator/service/convert.h"

namespace interceptor::coordinator {

// Safe from any thread.
class StatusCache {
 public:
  // `loop` must outlive it.
  StatusCache(const Loop& loop, Exposure exposure) : loop_(loop), exposure_(exposure) {}

  using Message = std::shared_ptr<const v1::GetStatusResponse>;
  Message Newest() { return For(loop_.snapshot()); }
  Message For(const std::shared_ptr<const Snapshot>& snapshot);

 private:
  const Loop& loop_;
  const Exposure exposure_;
  absl::Mutex mutex_;
  std::shared_ptr<const Snapshot> snapshot_ ABSL_GUARDED_BY(mutex_);
  Message message_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace interceptor::coordinator
