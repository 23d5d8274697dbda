// Helper threads for jobs that wait: uploads, downloads, file work, reading blobs back. Post from any thread.
#pragma once

#include <functional>
#include <thread>
#include <utility>
#include <vector>

#include "common/base/bounded_queue.h"

namespace interceptor {

class TaskThreads {
 public:
  // At most `limit` jobs are queued.
  TaskThreads(int threads, size_t limit) : jobs_(limit) {
    for (int i = 0; i < threads; ++i) {
      threads_.emplace_back([this] {
        while (auto job = jobs_.Pop()) (*job)();
      });
    }
  }
  // Finishes what is queued.
  ~TaskThreads() {
    jobs_.Close();
    for (std::thread& thread : threads_) thread.join();
  }
  TaskThreads(const TaskThreads&) = delete;
  TaskThreads& operator=(const TaskThreads&) = delete;

  // Waits while too much is queued.
  void Post(std::function<void()> job) { jobs_.Push(std::move(job)); }
  // False when too much is queued. Jobs of one caller run in its order only if it waits for each.
  [[nodiscard]] bool TryPost(std::function<void()> job) { return jobs_.TryPush(std::move(job)); }

 private:
  BoundedQueue<std::function<void()>> jobs_;
  std::vector<std::thread> threads_;
};

// One thread, which does its jobs in order.
class TaskThread : public TaskThreads {
 public:
  TaskThread() : TaskThreads(1, 1000) {}
};

}  // namespace interceptor
