// What the loop shows of its state: the snapshot, and those who watch it. The status of a large fleet takes a
// tenth of a second to compute, so this is done on a thread of its own, from a copy of the state that follows
// the loop's by the same events once they are durable.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "common/base/clock.h"
#include "coordinator/core/state.h"
#include "coordinator/core/status_view.h"

namespace interceptor::coordinator {

// Immutable once published.
struct Snapshot {
  StatusView view;
  MonotonicTime now;
  absl::Time at;  // for people
  // Another number: something that people see has changed, time apart.
  int64_t version = 0;
};

class StatusPublisher {
 public:
  ~StatusPublisher();

  // What a snapshot shows besides the state.
  struct Moment {
    MonotonicTime now;
    absl::Time at;
    int64_t vault_bytes = 0;
    std::string problem;  // worse than all others; empty: none
  };

  // Begin, once and first, Follow and Publish are called by one thread, the loop's.
  void Begin(const State& state, Moment moment);
  // What has become durable since, in order.
  void Follow(std::vector<Event> events);
  // Publishes what was followed so far: soon, or with `wait` before it returns.
  void Publish(Moment moment, bool wait);

  // From any thread. Never waits; null before Begin.
  std::shared_ptr<const Snapshot> snapshot() const;

  // `watcher` hears of every snapshot, on this one's thread, and at last of none (null) from EndWatches; must
  // not block, nor call Watch or Unwatch. Not called any more once Unwatch has returned.
  using Watcher = std::function<void(const std::shared_ptr<const Snapshot>&)>;
  int64_t Watch(Watcher watcher);
  void Unwatch(int64_t watch);
  void EndWatches();

 private:
  // What the thread has not taken yet.
  struct Work {
    std::vector<Event> events;
    std::optional<Moment> moment;
  };

  void Run();
  void ApplyAll(const std::vector<Event>& events);
  void Show(const Moment& moment);

  // The thread's only, after Begin.
  State state_;
  int64_t version_ = 0;

  absl::Mutex work_mutex_;
  Work work_ ABSL_GUARDED_BY(work_mutex_);
  int64_t asked_ ABSL_GUARDED_BY(work_mutex_) = 0;
  int64_t shown_ ABSL_GUARDED_BY(work_mutex_) = 0;
  bool stopping_ ABSL_GUARDED_BY(work_mutex_) = false;

  mutable absl::Mutex snapshot_mutex_;
  std::shared_ptr<const Snapshot> snapshot_ ABSL_GUARDED_BY(snapshot_mutex_);

  absl::Mutex watchers_mutex_;
  int64_t last_watch_ ABSL_GUARDED_BY(watchers_mutex_) = 0;
  std::map<int64_t, Watcher> watchers_ ABSL_GUARDED_BY(watchers_mutex_);

  std::thread thread_;
};

}  // namespace interceptor::coordinator
