#include "common/io/supervisor.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <cstring>

#include "absl/strings/numbers.h"

namespace interceptor {
namespace {

std::optional<int64_t> NumberFromEnvironment(const char* name) {
  const char* text = std::getenv(name);
  int64_t number = 0;
  if (text == nullptr || !absl::SimpleAtoi(text, &number) || number <= 0) return std::nullopt;
  return number;
}

}  // namespace

void NotifySupervisor(std::string_view state) {
  const char* path = std::getenv("NOTIFY_SOCKET");
  if (path == nullptr) return;
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  const size_t length = std::strlen(path);
  if (length < 2 || length >= sizeof(address.sun_path) || (path[0] != '/' && path[0] != '@')) return;
  std::memcpy(address.sun_path, path, length);
  // '@' stands for the abstract namespace, whose names begin with a zero byte.
  if (path[0] == '@') address.sun_path[0] = '\0';
  const int descriptor = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (descriptor < 0) return;
  (void)sendto(descriptor, state.data(), state.size(), MSG_NOSIGNAL,
               reinterpret_cast<const sockaddr*>(&address),
               static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + length));
  close(descriptor);
}

std::optional<absl::Duration> WatchdogInterval() {
  const std::optional<int64_t> microseconds = NumberFromEnvironment("WATCHDOG_USEC");
  if (!microseconds.has_value()) return std::nullopt;
  const std::optional<int64_t> pid = NumberFromEnvironment("WATCHDOG_PID");
  if (pid.has_value() && *pid != getpid()) return std::nullopt;
  return absl::Microseconds(*microseconds);
}

void Watchdog::Tell(MonotonicTime now) {
  if (!interval_ || (told_ && now - *told_ < *interval_ / 3)) return;
  told_ = now;
  NotifySupervisor("WATCHDOG=1");
}

absl::Duration Watchdog::Until(MonotonicTime now) const {
  if (!interval_) return absl::InfiniteDuration();
  return told_ ? std::max(absl::ZeroDuration(), *told_ + *interval_ / 3 - now) : absl::ZeroDuration();
}

}  // namespace interceptor
