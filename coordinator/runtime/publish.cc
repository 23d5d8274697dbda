// What the loop shows of its state: the snapshot, and those who watch it.
#include <algorithm>
#include <utility>

#include "common/base/status.h"
#include "coordinator/runtime/loop.h"

namespace interceptor::coordinator {
namespace {

// The status of a team's plan is computed anew after every batch that journals something and at every tick.
// That costs time by the task, so a fleet's is shown less often: 10,000 tasks every twenty seconds.
constexpr size_t kTasksShownAtOnce = 64;
constexpr absl::Duration kShowIntervalPerTask = absl::Milliseconds(2);

}  // namespace

std::shared_ptr<const Snapshot> Loop::snapshot() const {
  absl::MutexLock lock(&snapshot_mutex_);
  return snapshot_;
}

int64_t Loop::Watch(Watcher watcher) {
  absl::MutexLock lock(&watchers_mutex_);
  watchers_[++last_watch_] = std::move(watcher);
  return last_watch_;
}

void Loop::Unwatch(int64_t watch) {
  absl::MutexLock lock(&watchers_mutex_);
  watchers_.erase(watch);
}

void Loop::PublishWhenDue() {
  if (parts_.clock.Now() >= next_publish_) Publish();
}

void Loop::Publish() {
  const size_t tasks = state_.soft.index.tasks.size();
  if (tasks > kTasksShownAtOnce) {
    next_publish_ = parts_.clock.Now() + kShowIntervalPerTask * static_cast<int64_t>(tasks);
  }
  auto next = std::make_shared<Snapshot>();
  const std::shared_ptr<const Snapshot> last = snapshot();
  // The state is ahead of a stuck batch, and nobody may see what is not durable.
  next->view = stuck_.has_value() && last != nullptr ? last->view : BuildStatus(state_, parts_.clock.Now());
  next->view.vault_bytes = parts_.vault.total_bytes();
  next->now = parts_.clock.Now();
  next->at = parts_.clock.WallTime();
  if (!ballast_.stowed()) {
    const std::string problem = Message(ReadOnlyStatus());
    std::vector<std::string>& problems = next->view.problems;
    if (std::find(problems.begin(), problems.end(), problem) == problems.end()) {
      problems.insert(problems.begin(), problem);
    }
  }
  // Time alone makes problems too: a box that is silent, a checkpoint that is overdue.
  if (last != nullptr &&
      (last->view.problems != next->view.problems || last->view.vault_bytes != next->view.vault_bytes)) {
    ++version_;
  }
  next->version = version_;
  gauges_.Published(next->view, next->at);
  {
    absl::MutexLock lock(&snapshot_mutex_);
    snapshot_ = next;
  }
  absl::MutexLock lock(&watchers_mutex_);
  for (const auto& [watch, watcher] : watchers_) watcher(next);
}

}  // namespace interceptor::coordinator
