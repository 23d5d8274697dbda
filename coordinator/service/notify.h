// Tells systemd how the program is (sd_notify's datagram protocol), without its library. Does nothing when
// $NOTIFY_SOCKET is not set.
#pragma once

#include <optional>
#include <string_view>

#include "absl/time/time.h"

namespace interceptor::coordinator {

// "READY=1", "STOPPING=1", "WATCHDOG=1". A message that cannot be delivered is dropped: the supervisor's own
// timeouts then act.
void NotifySupervisor(std::string_view state);

// How often the supervisor wants to hear WATCHDOG=1 at least; nothing when it does not watch this process.
std::optional<absl::Duration> WatchdogInterval();

}  // namespace interceptor::coordinator
