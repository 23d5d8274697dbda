#include "coordinator/cli/snapshot_stream.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <utility>

#include "common/base/check.h"

namespace interceptor::coordinator {
namespace {

constexpr std::chrono::milliseconds kBetweenConnections(500);

}  // namespace

SnapshotStream::SnapshotStream(Client& client)
    : client_(client), wake_fd_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)), thread_([this] { Read(); }) {
  ICPT_CHECK(wake_fd_ >= 0) << "eventfd";
}

SnapshotStream::~SnapshotStream() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
    if (context_ != nullptr) context_->TryCancel();
  }
  stopped_.notify_all();
  thread_.join();
  close(wake_fd_);
}

SnapshotStream::News SnapshotStream::Take() {
  uint64_t count = 0;
  [[maybe_unused]] const ssize_t cleared = read(wake_fd_, &count, sizeof count);
  std::lock_guard lock(mutex_);
  return std::exchange(news_, News());
}

void SnapshotStream::Wake() {
  const uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = write(wake_fd_, &one, sizeof one);
}

void SnapshotStream::Read() {
  while (true) {
    grpc::ClientContext context;
    {
      std::lock_guard lock(mutex_);
      if (stopping_) return;
      context_ = &context;
    }
    const auto reader = client_.Watch(context);
    v1::GetStatusResponse snapshot;
    while (reader->Read(&snapshot)) {
      {
        std::lock_guard lock(mutex_);
        news_.snapshots.push_back(std::move(snapshot));
        if (news_.snapshots.size() > kSnapshotsMax) news_.snapshots.pop_front();
        news_.ended.reset();
      }
      Wake();
    }
    const grpc::Status status = reader->Finish();
    std::unique_lock lock(mutex_);
    context_ = nullptr;
    news_.ended = status;
    Wake();
    if (stopped_.wait_for(lock, kBetweenConnections, [this] { return stopping_; })) return;
  }
}

}  // namespace interceptor::coordinator
