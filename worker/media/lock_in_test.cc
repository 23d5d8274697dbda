// The decoder's cage, in a build without sanitizers: their runtime needs calls that it forbids.
#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <string>

#include "tests/support/catch.h"
#include "worker/media/decoder.h"

namespace interceptor::worker {
namespace {

// Runs `act` in a child process after LockIn. Its wait status.
template <typename Act>
int LockedIn(const Act& act) {
  const pid_t pid = fork();
  if (pid == 0) {
    if (!LockIn().ok()) _exit(77);
    act();
    _exit(0);
  }
  int status = 0;
  CATCH_REQUIRE(waitpid(pid, &status, 0) == pid);
  return status;
}

CATCH_TEST_CASE("a locked-in process computes, finds no file and is killed for anything else") {
  const int computes = LockedIn([] {
    std::string text(1 << 20, 'x');
    if (text.size() != 1 << 20) _exit(1);
  });
  CATCH_CHECK((WIFEXITED(computes) && WEXITSTATUS(computes) == 0));
  const int opens = LockedIn([] { _exit(open("/etc/passwd", O_RDONLY) < 0 ? 42 : 1); });
  CATCH_CHECK((WIFEXITED(opens) && WEXITSTATUS(opens) == 42));
  const int connects = LockedIn([] { socket(AF_INET, SOCK_STREAM, 0); });
  CATCH_CHECK((WIFSIGNALED(connects) && WTERMSIG(connects) == SIGSYS));
  const int forks = LockedIn([] { fork(); });
  CATCH_CHECK((WIFSIGNALED(forks) && WTERMSIG(forks) == SIGSYS));
  const pid_t parent = getpid();
  const int signals = LockedIn([parent] { syscall(SYS_tgkill, parent, parent, SIGURG); });
  CATCH_CHECK((WIFSIGNALED(signals) && WTERMSIG(signals) == SIGSYS));
  const int aborts = LockedIn([] {
    signal(SIGABRT, SIG_DFL);
    abort();
  });
  CATCH_CHECK((WIFSIGNALED(aborts) && WTERMSIG(aborts) == SIGABRT));
  const int execs = LockedIn([] { execl("/bin/true", "true", nullptr); });
  CATCH_CHECK((WIFSIGNALED(execs) && WTERMSIG(execs) == SIGSYS));
}

}  // namespace
}  // namespace interceptor::worker
