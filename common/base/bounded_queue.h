// A queue with a limit: the back pressure between a producer and a consumer thread. Safe from any thread.
#pragma once

#include <deque>
#include <optional>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "common/base/steady_wait.h"

namespace interceptor {

template <typename T>
class BoundedQueue {
 public:
  explicit BoundedQueue(size_t limit) : limit_(limit) {}

  // Waits while the queue is full. False when it was closed; the item is then dropped.
  bool Push(T item) {
    absl::MutexLock lock(&mutex_);
    auto has_room = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return closed_ || items_.size() < limit_; };
    mutex_.Await(absl::Condition(&has_room));
    if (closed_) return false;
    items_.push_back(std::move(item));
    has_item_.NotifyAll();
    return true;
  }

  // False, at once, when the queue is full or closed.
  bool TryPush(T item) {
    absl::MutexLock lock(&mutex_);
    if (closed_ || items_.size() >= limit_) return false;
    items_.push_back(std::move(item));
    has_item_.NotifyAll();
    return true;
  }

  // Waits for an item; nothing when the queue is closed and empty, or after `timeout`.
  std::optional<T> Pop(absl::Duration timeout = absl::InfiniteDuration()) {
    absl::MutexLock lock(&mutex_);
    has_item_.Await(mutex_, timeout, [this] { return closed_ || !items_.empty(); });
    std::optional<T> item;
    if (items_.empty()) return item;
    item.emplace(std::move(items_.front()));
    items_.pop_front();
    return item;
  }

  // Producers stop; consumers still get what is queued.
  void Close() {
    absl::MutexLock lock(&mutex_);
    closed_ = true;
    has_item_.NotifyAll();
  }

  size_t size() const {
    absl::MutexLock lock(&mutex_);
    return items_.size();
  }

 private:
  const size_t limit_;
  mutable absl::Mutex mutex_;
  SteadyCondition has_item_;  // or was closed
  std::deque<T> items_ ABSL_GUARDED_BY(mutex_);
  bool closed_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace interceptor
