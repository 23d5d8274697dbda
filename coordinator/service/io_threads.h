// Threads for file work, so that gRPC's few threads never wait for a disk.
#pragma once

#include <functional>
#include <thread>
#include <vector>

#include "common/base/bounded_queue.h"

namespace interceptor::coordinator {

// Safe from any thread.
class IoThreads {
 public:
  explicit IoThreads(int threads);
  // Finishes what is queued.
  ~IoThreads();

  // False when too much is queued. Tasks of one caller run in its order only if it waits for each.
  [[nodiscard]] bool Run(std::function<void()> task);

 private:
  BoundedQueue<std::function<void()>> tasks_;
  std::vector<std::thread> threads_;
};

}  // namespace interceptor::coordinator
