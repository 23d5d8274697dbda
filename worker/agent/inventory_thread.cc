#include "worker/agent/inventory_thread.h"

#include <utility>

namespace interceptor::worker {
namespace {

constexpr absl::Duration kScanPeriod = absl::Seconds(1);

}  // namespace

InventoryThread::InventoryThread(Inventory inventory, std::function<void(const ChunkFiles&)> on_change)
    : inventory_(std::move(inventory)), on_change_(std::move(on_change)), thread_([this] { Run(); }) {}

InventoryThread::~InventoryThread() {
  stop_.Notify();
  thread_.join();
}

void InventoryThread::SetChunks(std::map<std::string, std::string> names) {
  absl::MutexLock lock(&mutex_);
  names_ = std::move(names);
}

void InventoryThread::Run() {
  ChunkFiles reported;
  do {
    {
      absl::MutexLock lock(&mutex_);
      inventory_.SetChunks(names_);
    }
    while (inventory_.Scan([this] { return stop_.HasBeenNotified(); })) {
      if (stop_.HasBeenNotified()) return;
      on_change_(reported = inventory_.chunks());
    }
    if (inventory_.chunks() != reported) on_change_(reported = inventory_.chunks());
  } while (!stop_.Await(kScanPeriod));
}

}  // namespace interceptor::worker
