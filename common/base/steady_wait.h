// Waiting with a timeout that runs by the monotonic clock. Abseil's own timed waits, until its LTS of 2022,
// end by the wall clock: one that is set back by an hour holds them for an hour.
#pragma once

#include <chrono>
#include <condition_variable>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"

namespace interceptor {

// A condition variable for absl::Mutex. Safe from any thread.
class SteadyCondition {
 public:
  void NotifyAll() { condition_.notify_all(); }

  // With `mutex` held: lets go of it until ready() holds or `timeout` is over; returns ready(). Whoever
  // changes what `ready` looks at calls NotifyAll.
  template <typename Ready>
  bool Await(absl::Mutex& mutex, absl::Duration timeout, Ready ready) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex) {
    Lockable lockable{mutex};
    if (timeout == absl::InfiniteDuration()) {
      condition_.wait(lockable, ready);
      return true;
    }
    return condition_.wait_for(lockable, absl::ToChronoNanoseconds(timeout), ready);
  }

 private:
  struct Lockable {
    absl::Mutex& mutex;
    void lock() ABSL_NO_THREAD_SAFETY_ANALYSIS { mutex.Lock(); }
    void unlock() ABSL_NO_THREAD_SAFETY_ANALYSIS { mutex.Unlock(); }
  };
  std::condition_variable_any condition_;
};

// Something that happens once, such as the order to stop. Safe from any thread.
class SteadyNotification {
 public:
  void Notify() {
    absl::MutexLock lock(&mutex_);
    notified_ = true;
    condition_.NotifyAll();
  }

  bool HasBeenNotified() const {
    absl::MutexLock lock(&mutex_);
    return notified_;
  }

  // True when it has happened by the end of `timeout`.
  bool Await(absl::Duration timeout) {
    absl::MutexLock lock(&mutex_);
    return condition_.Await(mutex_, timeout, [this] { return notified_; });
  }

 private:
  mutable absl::Mutex mutex_;
  SteadyCondition condition_;
  bool notified_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace interceptor
