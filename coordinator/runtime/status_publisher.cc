#include "coordinator/runtime/status_publisher.h"

#include <sys/resource.h>

#include <iterator>
#include <utility>

#include "coordinator/runtime/pace.h"

namespace interceptor::coordinator {
namespace {

// Between two snapshots as many events are kept for the thread before it is woken for them alone.
constexpr size_t kEventsKeptMax = 1024;
constexpr int kNicer = 10;

bool IsSeenByPeople(const Event& event) {
  const auto* soft = std::get_if<SoftEvent>(&event);
  if (soft == nullptr) return true;
  return !std::holds_alternative<TickNoted>(*soft) && !std::holds_alternative<SpaceNoted>(*soft) &&
         !std::holds_alternative<SessionSeen>(*soft);
}

}  // namespace

StatusPublisher::~StatusPublisher() {
  {
    absl::MutexLock lock(&work_mutex_);
    stopping_ = true;
  }
  if (thread_.joinable()) thread_.join();
}

void StatusPublisher::Begin(const State& state, Moment moment) {
  state_ = state;
  Show(moment);
  thread_ = std::thread([this, yields = !IsShownAtOnce(state_)] {
    // On a head node without an idle core the loop comes first; nobody waits for this thread then.
    if (yields) setpriority(PRIO_PROCESS, 0, getpriority(PRIO_PROCESS, 0) + kNicer);  // this thread's alone
    Run();
  });
}

void StatusPublisher::Follow(std::vector<Event> events) {
  absl::MutexLock lock(&work_mutex_);
  work_.events.insert(work_.events.end(), std::make_move_iterator(events.begin()),
                      std::make_move_iterator(events.end()));
}

void StatusPublisher::Publish(Moment moment, bool wait) {
  absl::MutexLock lock(&work_mutex_);
  work_.moment = std::move(moment);
  const int64_t mine = ++asked_;
  if (!wait) return;
  const auto shown = [this, mine]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(work_mutex_) { return shown_ >= mine; };
  work_mutex_.Await(absl::Condition(&shown));
}

void StatusPublisher::Run() {
  const auto due = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(work_mutex_) {
    return stopping_ || work_.moment.has_value() || work_.events.size() >= kEventsKeptMax;
  };
  while (true) {
    Work work;
    int64_t asked = 0;
    {
      absl::MutexLock lock(&work_mutex_);
      work_mutex_.Await(absl::Condition(&due));
      if (stopping_) return;
      std::swap(work, work_);
      asked = asked_;
    }
    ApplyAll(work.events);
    if (!work.moment.has_value()) continue;
    Show(*work.moment);
    absl::MutexLock lock(&work_mutex_);
    shown_ = asked;
  }
}

void StatusPublisher::ApplyAll(const std::vector<Event>& events) {
  for (const Event& event : events) {
    Apply(state_, event);
    if (IsSeenByPeople(event)) ++version_;
  }
}

void StatusPublisher::Show(const Moment& moment) {
  auto next = std::make_shared<Snapshot>();
  next->view = BuildStatus(state_, moment.now);
  next->view.vault_bytes = moment.vault_bytes;
  next->now = moment.now;
  next->at = moment.at;
  std::vector<std::string>& problems = next->view.problems;
  if (!moment.problem.empty()) problems.insert(problems.begin(), moment.problem);
  // Time alone makes problems too: a box that is silent, a checkpoint that is overdue.
  const std::shared_ptr<const Snapshot> last = snapshot();
  if (last != nullptr && (last->view.problems != problems || last->view.vault_bytes != moment.vault_bytes)) {
    ++version_;
  }
  next->version = version_;
  {
    absl::MutexLock lock(&snapshot_mutex_);
    snapshot_ = next;
  }
  absl::MutexLock lock(&watchers_mutex_);
  for (const auto& [watch, watcher] : watchers_) watcher(next);
}

std::shared_ptr<const Snapshot> StatusPublisher::snapshot() const {
  absl::MutexLock lock(&snapshot_mutex_);
  return snapshot_;
}

int64_t StatusPublisher::Watch(Watcher watcher) {
  absl::MutexLock lock(&watchers_mutex_);
  watchers_[++last_watch_] = std::move(watcher);
  return last_watch_;
}

void StatusPublisher::Unwatch(int64_t watch) {
  absl::MutexLock lock(&watchers_mutex_);
  watchers_.erase(watch);
}

void StatusPublisher::EndWatches() {
  absl::MutexLock lock(&watchers_mutex_);
  for (const auto& [watch, watcher] : watchers_) watcher(nullptr);
}

}  // namespace interceptor::coordinator
