#include "common/io/supervisor.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>

#include "common/base/status.h"
#include "tests/support/catch.h"
#include "tests/support/scratch_folder.h"

namespace interceptor {
namespace {

// Plays systemd: a datagram socket that $NOTIFY_SOCKET names.
class FakeSupervisor {
 public:
  FakeSupervisor() {
    sockaddr_un address = {};
    address.sun_family = AF_UNIX;
    const std::string path = folder_.File("notify");
    CATCH_REQUIRE(path.size() < sizeof(address.sun_path));
    std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
    socket_ = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    CATCH_REQUIRE(bind(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
    setenv("NOTIFY_SOCKET", path.c_str(), 1);
  }
  ~FakeSupervisor() {
    for (const char* name : {"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"}) unsetenv(name);
    close(socket_);
  }
  // The next message; empty when there is none.
  std::string Heard() const {
    char text[64];
    const ssize_t size = recv(socket_, text, sizeof text, 0);
    return size < 0 ? "" : std::string(text, static_cast<size_t>(size));
  }

 private:
  ScratchFolder folder_;
  int socket_ = -1;
};

CATCH_TEST_CASE("the supervisor hears what it is told, and nothing is lost without one") {
  NotifySupervisor("READY=1");
  const FakeSupervisor supervisor;
  NotifySupervisor("READY=1");
  CATCH_CHECK(supervisor.Heard() == "READY=1");
  CATCH_CHECK(supervisor.Heard().empty());
}

CATCH_TEST_CASE("a loop tells the watchdog three times an interval, of its own process alone") {
  const FakeSupervisor supervisor;
  const MonotonicTime start{absl::Hours(1)};
  Watchdog unwatched;
  unwatched.Tell(start);
  CATCH_CHECK(unwatched.Until(start) == absl::InfiniteDuration());
  CATCH_CHECK(supervisor.Heard().empty());

  setenv("WATCHDOG_USEC", "30000000", 1);
  setenv("WATCHDOG_PID", Cat(getpid() + 1).c_str(), 1);
  CATCH_CHECK_FALSE(WatchdogInterval());
  setenv("WATCHDOG_PID", Cat(getpid()).c_str(), 1);
  CATCH_CHECK(WatchdogInterval() == absl::Seconds(30));
  Watchdog watchdog;
  watchdog.Tell(start);
  CATCH_CHECK(supervisor.Heard() == "WATCHDOG=1");
  CATCH_CHECK(watchdog.Until(start + absl::Seconds(4)) == absl::Seconds(6));
  watchdog.Tell(start + absl::Seconds(9));
  CATCH_CHECK(supervisor.Heard().empty());
  watchdog.Tell(start + absl::Seconds(10));
  CATCH_CHECK(supervisor.Heard() == "WATCHDOG=1");
}

}  // namespace
}  // namespace interceptor
