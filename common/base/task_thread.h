// One helper thread that does jobs in order: uploads, downloads, reading blobs back. Post from any thread.
#pragma once

#include <functional>
#include <thread>
#include <utility>

#include "common/base/bounded_queue.h"

namespace interceptor {

class TaskThread {
 public:
  TaskThread()
      : thread_([this] {
          while (auto job = jobs_.Pop()) (*job)();
        }) {}
  // Finishes what is queued.
  ~TaskThread() {
    jobs_.Close();
    thread_.join();
  }
  TaskThread(const TaskThread&) = delete;
  TaskThread& operator=(const TaskThread&) = delete;

  // Waits while too much is queued.
  void Post(std::function<void()> job) { jobs_.Push(std::move(job)); }

 private:
  BoundedQueue<std::function<void()>> jobs_{1000};
  std::thread thread_;
};

}  // namespace interceptor
