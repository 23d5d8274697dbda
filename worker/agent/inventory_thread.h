// Watches the --data folder in a thread of its own: what changes in the inventory is handed over.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "common/base/steady_wait.h"
#include "worker/agent/inventory.h"

namespace interceptor::worker {

class InventoryThread {
 public:
  // `on_change` is called from the thread, never after the destructor.
  InventoryThread(Inventory inventory, std::function<void(const ChunkFiles&)> on_change);
  ~InventoryThread();
  InventoryThread(const InventoryThread&) = delete;
  InventoryThread& operator=(const InventoryThread&) = delete;

  // File names by chunk name, from the next look on.
  void SetChunks(std::map<std::string, std::string> names);

 private:
  void Run();

  Inventory inventory_;
  const std::function<void(const ChunkFiles&)> on_change_;
  absl::Mutex mutex_;
  std::map<std::string, std::string> names_ ABSL_GUARDED_BY(mutex_);
  SteadyNotification stop_;
  std::thread thread_;
};

}  // namespace interceptor::worker
