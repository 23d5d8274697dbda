// The load generator: many boxes on gRPC's callback API, each with its own Attach stream, sharing connections.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "common/base/clock.h"
#include "interceptor/v1/worker_service.grpc.pb.h"

namespace interceptor {

class Box;

// Driven by one thread; gRPC's threads run the streams.
class Fleet {
 public:
  // Box i says that it is the plan's member "m-i". Opens the connections, says nothing yet.
  Fleet(const std::string& address, int boxes, int connections);
  // Breaks all streams off and waits for their ends.
  ~Fleet();

  // Every box says hello and waits until each has been given its task, a few hundred at a time.
  absl::Status Attach();

  // Directives that came since the last wait: every box's assignment, or every box's drop.
  absl::Status AwaitAssignments();
  absl::Status AwaitDrops();

  struct Hooks {
    std::function<void()> begin;  // at the window's first update
    std::function<void()> end;    // when its last second is over
  };
  // Each box reports progress once a second, evenly spread over the second and whatever the answers do, for
  // `warm_up` and then `window`. Milliseconds from handing an update of the window to gRPC until its `renewed`,
  // sorted; one that stays unanswered is an error.
  absl::StatusOr<std::vector<double>> Report(absl::Duration warm_up, absl::Duration window, const Hooks& hooks);

 private:
  friend class Box;

  void OnAssigned();
  void OnDropped();
  void OnRenewed(absl::Duration took, bool counted);
  void OnEnded(const absl::Status& status);
  absl::Status AwaitCount(const int64_t& count, int64_t wanted, const char* what);

  std::vector<std::unique_ptr<Box>> boxes_;
  absl::Mutex mutex_;
  int64_t assigned_ ABSL_GUARDED_BY(mutex_) = 0;
  int64_t dropped_ ABSL_GUARDED_BY(mutex_) = 0;
  int64_t begun_ ABSL_GUARDED_BY(mutex_) = 0;
  int64_t ended_ ABSL_GUARDED_BY(mutex_) = 0;
  bool breaking_off_ ABSL_GUARDED_BY(mutex_) = false;
  absl::Status fault_ ABSL_GUARDED_BY(mutex_);
  std::vector<double> milliseconds_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace interceptor
