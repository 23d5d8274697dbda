#include "tests/bench/fleet.h"

#include <algorithm>
#include <array>
#include <deque>
#include <utility>

#include "absl/synchronization/notification.h"
#include "common/base/ids.h"
#include "common/base/status.h"
#include "common/rpc/channel.h"
#include "common/rpc/status_bridge.h"
#include "tests/support/scripted_worker.h"

namespace interceptor {
namespace {

constexpr int kAttachingMax = 256;
constexpr int kChunks = 10;
// Nothing here takes so long unless it hangs.
constexpr absl::Duration kPatience = absl::Minutes(10);
// Updates of one box on their way: more than that, and the oldest has waited for many seconds.
constexpr int kOnTheirWayMax = 64;

}  // namespace

class Box : public grpc::ClientBidiReactor<v1::WorkerUpdate, v1::Directive> {
 public:
  Box(Fleet& fleet, const std::shared_ptr<grpc::Channel>& channel, int index)
      : fleet_(fleet), stub_(v1::WorkerService::NewStub(channel)), index_(index) {}

  void Begin() {
    stub_->async()->Attach(&context_, this);
    {
      absl::MutexLock lock(&mutex_);
      *update_.mutable_hello() = ScriptedWorker::MakeHello(Cat("m-", index_), NewId(), kChunks);
      update_.set_number(++last_number_);
      writing_ = true;
      StartWrite(&update_);
    }
    StartRead(&directive_);
    StartCall();
  }

  void BreakOff() { context_.TryCancel(); }

  // `counted`: its time is kept.
  void Report(MonotonicTime now, bool counted) {
    absl::MutexLock lock(&mutex_);
    waiting_.push_back({now, counted});
    WriteNext();
  }

  void OnWriteDone(bool ok) override {
    absl::MutexLock lock(&mutex_);
    writing_ = false;
    if (ok) WriteNext();
  }

  void OnReadDone(bool ok) override {
    if (!ok) return;
    if (directive_.has_renewed()) {
      Renewed(directive_.renewed().through_update());
    } else if (directive_.has_assignment()) {
      {
        absl::MutexLock lock(&mutex_);
        task_ = directive_.assignment().task();
      }
      fleet_.OnAssigned();
    } else if (directive_.has_drop()) {
      fleet_.OnDropped();
    }
    StartRead(&directive_);
  }

  void OnDone(const grpc::Status& status) override { fleet_.OnEnded(FromGrpcStatus(status)); }

 private:
  struct Sent {
    MonotonicTime at;
    bool counted = false;
  };

  void WriteNext() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    if (writing_ || waiting_.empty()) return;
    update_.set_number(++last_number_);
    sent_[last_number_ % kOnTheirWayMax] = waiting_.front();
    waiting_.pop_front();
    v1::Progress& progress = *update_.mutable_progress();
    *progress.mutable_task() = task_;
    progress.set_phase(task_.task() == "integrate" ? v1::PHASE_INTEGRATING : v1::PHASE_TRAINING);
    progress.set_step(last_number_);
    progress.set_chunk_steps(100'000);
    progress.set_loss(0.7);
    progress.set_samples_per_second(100);
    progress.set_training_seconds(static_cast<double>(last_number_));
    progress.set_activity(last_number_);
    writing_ = true;
    StartWrite(&update_);
  }

  void Renewed(int64_t through_update) {
    const MonotonicTime now = SystemClock().Now();
    Sent sent;
    {
      absl::MutexLock lock(&mutex_);
      sent = sent_[through_update % kOnTheirWayMax];
    }
    fleet_.OnRenewed(now - sent.at, sent.counted);
  }

  Fleet& fleet_;
  const std::unique_ptr<v1::WorkerService::Stub> stub_;
  const int index_;
  grpc::ClientContext context_;
  v1::Directive directive_;

  absl::Mutex mutex_;
  v1::WorkerUpdate update_ ABSL_GUARDED_BY(mutex_);
  v1::TaskRef task_ ABSL_GUARDED_BY(mutex_);
  int64_t last_number_ ABSL_GUARDED_BY(mutex_) = 0;
  bool writing_ ABSL_GUARDED_BY(mutex_) = false;
  std::deque<Sent> waiting_ ABSL_GUARDED_BY(mutex_);
  std::array<Sent, kOnTheirWayMax> sent_ ABSL_GUARDED_BY(mutex_);
};

Fleet::Fleet(const std::string& address, int boxes, int connections) {
  std::vector<std::shared_ptr<grpc::Channel>> channels;
  for (int i = 0; i < connections; ++i) channels.push_back(NewChannel(address));
  for (int i = 0; i < boxes; ++i) {
    boxes_.push_back(std::make_unique<Box>(*this, channels[static_cast<size_t>(i % connections)], i));
  }
}

Fleet::~Fleet() {
  int64_t begun = 0;
  {
    absl::MutexLock lock(&mutex_);
    breaking_off_ = true;
    begun = begun_;
  }
  for (int64_t i = 0; i < begun; ++i) boxes_[static_cast<size_t>(i)]->BreakOff();
  absl::MutexLock lock(&mutex_);
  const auto all_ended = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return ended_ == begun_; };
  mutex_.Await(absl::Condition(&all_ended));
}

absl::Status Fleet::AwaitCount(const int64_t& count, int64_t wanted, const char* what) {
  const auto reached = [&]()
                           ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return count >= wanted || !fault_.ok(); };
  if (!mutex_.AwaitWithTimeout(absl::Condition(&reached), kPatience)) {
    return absl::DeadlineExceededError(Cat(count, " ", what, " of ", wanted, " came"));
  }
  return fault_;
}

absl::Status Fleet::Attach() {
  for (size_t i = 0; i < boxes_.size(); ++i) {
    {
      absl::MutexLock lock(&mutex_);
      ICPT_RETURN_IF_ERROR(AwaitCount(assigned_, static_cast<int64_t>(i) - kAttachingMax, "assignments"));
      ++begun_;
    }
    boxes_[i]->Begin();
  }
  return AwaitAssignments();
}

absl::Status Fleet::AwaitAssignments() {
  absl::MutexLock lock(&mutex_);
  ICPT_RETURN_IF_ERROR(AwaitCount(assigned_, static_cast<int64_t>(boxes_.size()), "assignments"));
  assigned_ = 0;
  return absl::OkStatus();
}

absl::Status Fleet::AwaitDrops() {
  absl::MutexLock lock(&mutex_);
  ICPT_RETURN_IF_ERROR(AwaitCount(dropped_, static_cast<int64_t>(boxes_.size()), "drops"));
  dropped_ = 0;
  return absl::OkStatus();
}

absl::StatusOr<std::vector<double>> Fleet::Report(absl::Duration warm_up, absl::Duration window,
                                                  const Hooks& hooks) {
  const int64_t boxes = static_cast<int64_t>(boxes_.size());
  const int64_t first_counted = absl::ToInt64Seconds(warm_up) * boxes;
  const int64_t updates = first_counted + absl::ToInt64Seconds(window) * boxes;
  const MonotonicTime begin = SystemClock().Now();
  absl::Notification never;
  for (int64_t i = 0; i <= updates; ++i) {
    const MonotonicTime due = begin + absl::Seconds(1) * i / boxes;
    MonotonicTime now = SystemClock().Now();
    if (now < due) {
      // Paced by the clock, in steps of a millisecond: a timer for each update would cost more than the
      // update.
      never.WaitForNotificationWithTimeout(std::max(due - now, absl::Milliseconds(1)));
      now = SystemClock().Now();
    }
    if (i == first_counted) hooks.begin();
    if (i == updates) break;
    boxes_[static_cast<size_t>(i % boxes)]->Report(now, i >= first_counted);
  }
  hooks.end();
  absl::MutexLock lock(&mutex_);
  const auto all_answered = [&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return static_cast<int64_t>(milliseconds_.size()) == updates - first_counted || !fault_.ok();
  };
  if (!mutex_.AwaitWithTimeout(absl::Condition(&all_answered), kPatience)) {
    return absl::DeadlineExceededError(
        Cat(milliseconds_.size(), " updates of ", updates - first_counted, " were answered"));
  }
  ICPT_RETURN_IF_ERROR(fault_);
  std::vector<double> sorted = std::exchange(milliseconds_, {});
  std::sort(sorted.begin(), sorted.end());
  return sorted;
}

void Fleet::OnAssigned() {
  absl::MutexLock lock(&mutex_);
  ++assigned_;
}

void Fleet::OnDropped() {
  absl::MutexLock lock(&mutex_);
  ++dropped_;
}

void Fleet::OnRenewed(absl::Duration took, bool counted) {
  if (!counted) return;
  absl::MutexLock lock(&mutex_);
  milliseconds_.push_back(absl::ToDoubleMilliseconds(took));
}

void Fleet::OnEnded(const absl::Status& status) {
  absl::MutexLock lock(&mutex_);
  ++ended_;
  if (!breaking_off_) fault_.Update(status.ok() ? Unavailable("a stream ended") : status);
}

}  // namespace interceptor
