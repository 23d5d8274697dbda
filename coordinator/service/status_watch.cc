#include "coordinator/service/status_watch.h"

#include <optional>

namespace interceptor::coordinator {
namespace {

// Twice a second is as lively as a terminal needs.
constexpr absl::Duration kIntervalMin = absl::Milliseconds(500);

class StatusWatch : public grpc::ServerWriteReactor<v1::GetStatusResponse> {
 public:
  StatusWatch(Loop& loop, StatusCache& status) : loop_(loop), status_(status) {
    Offer(loop_.snapshot());
    watch_ = loop_.Watch([this](const std::shared_ptr<const Snapshot>& snapshot) { Offer(snapshot); });
  }

  void OnWriteDone(bool ok) override {
    absl::MutexLock lock(&mutex_);
    writing_.reset();
    if (!ok) End();
    if (ended_ && !finished_) FinishNow();
  }

  void OnCancel() override {
    absl::MutexLock lock(&mutex_);
    End();
  }

  void OnDone() override {
    loop_.Unwatch(watch_);
    delete this;
  }

 private:
  // The loop publishes several times a second, so what is passed over now is seen by a later call.
  void Offer(const std::shared_ptr<const Snapshot>& snapshot) {
    absl::MutexLock lock(&mutex_);
    if (snapshot == nullptr) {
      end_ = grpc::Status(grpc::StatusCode::UNAVAILABLE, "the coordinator is going down");
      return End();
    }
    if (ended_ || writing_ != nullptr) return;
    if (sent_at_.has_value() &&
        (snapshot->version == sent_version_ || snapshot->now - *sent_at_ < kIntervalMin)) {
      return;
    }
    sent_at_ = snapshot->now;
    sent_version_ = snapshot->version;
    writing_ = status_.For(snapshot);
    StartWrite(writing_.get());
  }

  void End() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    ended_ = true;
    if (writing_ == nullptr && !finished_) FinishNow();
  }

  void FinishNow() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    finished_ = true;
    Finish(end_);
  }

  Loop& loop_;
  StatusCache& status_;
  int64_t watch_ = 0;

  absl::Mutex mutex_;
  StatusCache::Message writing_ ABSL_GUARDED_BY(mutex_);
  std::optional<MonotonicTime> sent_at_ ABSL_GUARDED_BY(mutex_);
  int64_t sent_version_ ABSL_GUARDED_BY(mutex_) = 0;
  grpc::Status end_ ABSL_GUARDED_BY(mutex_) = grpc::Status::CANCELLED;
  bool ended_ ABSL_GUARDED_BY(mutex_) = false;
  bool finished_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace

grpc::ServerWriteReactor<v1::GetStatusResponse>* NewStatusWatch(Loop& loop, StatusCache& status) {
  return new StatusWatch(loop, status);
}

}  // namespace interceptor::coordinator
