#include "coordinator/service/io_threads.h"

#include <optional>
#include <utility>

namespace interceptor::coordinator {

// Each transfer has at most one task queued.
constexpr size_t kTasksMax = 4096;

IoThreads::IoThreads(int threads) : tasks_(kTasksMax) {
  for (int i = 0; i < threads; ++i) {
    threads_.emplace_back([this] {
      while (std::optional<std::function<void()>> task = tasks_.Pop()) (*task)();
    });
  }
}

IoThreads::~IoThreads() {
  tasks_.Close();
  for (std::thread& thread : threads_) thread.join();
}

bool IoThreads::Run(std::function<void()> task) { return tasks_.TryPush(std::move(task)); }

}  // namespace interceptor::coordinator
