// Snapshots of the cluster as they come, over as many connections as it takes. One thread of its own reads;
// the owner polls fd() together with whatever else it waits for, then takes what has come.
#pragma once

#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>

#include "coordinator/cli/client.h"

namespace interceptor::coordinator {

class SnapshotStream {
 public:
  static constexpr size_t kSnapshotsMax = 64;

  struct News {
    // What came since the last call, oldest first. Of more than kSnapshotsMax the oldest are skipped.
    std::deque<v1::GetStatusResponse> snapshots;
    // Set when the connection ended after those snapshots; a new one is being tried already.
    std::optional<grpc::Status> ended;
  };

  // `client` must outlive the stream.
  explicit SnapshotStream(Client& client);
  ~SnapshotStream();
  SnapshotStream(const SnapshotStream&) = delete;
  SnapshotStream& operator=(const SnapshotStream&) = delete;

  // Readable when there is news.
  int fd() const { return wake_fd_; }
  News Take();

 private:
  void Read();
  void Wake();

  Client& client_;
  const int wake_fd_;
  std::mutex mutex_;
  std::condition_variable stopped_;
  bool stopping_ = false;
  grpc::ClientContext* context_ = nullptr;
  News news_;
  std::thread thread_;
};

}  // namespace interceptor::coordinator
