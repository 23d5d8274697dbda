// The decoder's sandbox, in a build without sanitizers: their runtime needs calls that it forbids.
#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <string>

#include "tests/support/catch.h"
#include "worker/media/sandbox.h"

namespace interceptor::worker {
namespace {

// Runs `act` in a child process after EnterSandbox. Its wait status.
template <typename Act>
int Sandboxed(const Act& act) {
  const pid_t pid = fork();
  if (pid == 0) {
    if (!EnterSandbox().ok()) _exit(77);
    act();
    _exit(0);
  }
  int status = 0;
  CATCH_REQUIRE(waitpid(pid, &status, 0) == pid);
  return status;
}

CATCH_TEST_CASE("a sandboxed process computes, finds no file and is killed for anything else") {
  const int computes = Sandboxed([] {
    std::string text(1 << 20, 'x');
    if (text.size() != 1 << 20) _exit(1);
  });
  CATCH_CHECK((WIFEXITED(computes) && WEXITSTATUS(computes) == 0));
  const int opens = Sandboxed([] { _exit(open("/etc/passwd", O_RDONLY) < 0 ? 42 : 1); });
  CATCH_CHECK((WIFEXITED(opens) && WEXITSTATUS(opens) == 42));
  const int connects = Sandboxed([] { socket(AF_INET, SOCK_STREAM, 0); });
  CATCH_CHECK((WIFSIGNALED(connects) && WTERMSIG(connects) == SIGSYS));
  const int forks = Sandboxed([] { fork(); });
  CATCH_CHECK((WIFSIGNALED(forks) && WTERMSIG(forks) == SIGSYS));
  const pid_t parent = getpid();
  const int signals = Sandboxed([parent] { syscall(SYS_tgkill, parent, parent, SIGURG); });
  CATCH_CHECK((WIFSIGNALED(signals) && WTERMSIG(signals) == SIGSYS));
  const int aborts = Sandboxed([] {
    signal(SIGABRT, SIG_DFL);
    abort();
  });
  CATCH_CHECK((WIFSIGNALED(aborts) && WTERMSIG(aborts) == SIGABRT));
  const int execs = Sandboxed([] { execl("/bin/true", "true", nullptr); });
  CATCH_CHECK((WIFSIGNALED(execs) && WTERMSIG(execs) == SIGSYS));
}

}  // namespace
}  // namespace interceptor::worker
