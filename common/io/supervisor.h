// Tells systemd how the program is (sd_notify's datagram protocol), without its library. Does nothing when
// $NOTIFY_SOCKET is not set.
#pragma once

#include <optional>
#include <string_view>

#include "absl/time/time.h"
#include "common/base/clock.h"

namespace interceptor {

// "READY=1", "STOPPING=1", "WATCHDOG=1". A message that cannot be delivered is dropped: the supervisor's own
// timeouts then act.
void NotifySupervisor(std::string_view state);

// How often the supervisor wants to hear WATCHDOG=1 at least; nothing when it does not watch this process.
std::optional<absl::Duration> WatchdogInterval();

// For a loop that shows by going round that it lives: call Tell on each turn and Until before waiting.
class Watchdog {
 public:
  // Says WATCHDOG=1 when a third of the interval has passed since the last time.
  void Tell(MonotonicTime now);
  // The longest wait after which Tell is still in time.
  absl::Duration Until(MonotonicTime now) const;

 private:
  const std::optional<absl::Duration> interval_ = WatchdogInterval();
  std::optional<MonotonicTime> told_;
};

}  // namespace interceptor
