#include "worker/agent/children.h"

#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/bounded_queue.h"
#include "common/base/status.h"
#include "common/io/atomic_file.h"
#include "tests/support/catch.h"
#include "tests/support/scratch_folder.h"

// Real processes: small shell scripts that speak the child protocol on descriptor 3.
namespace interceptor::worker {
namespace {

// Waits for the end of a process that need not be this one's child.
bool Ends(pid_t pid) {
  const int fd = static_cast<int>(syscall(SYS_pidfd_open, pid, 0));
  if (fd < 0) return errno == ESRCH;
  pollfd wait{fd, POLLIN, 0};
  const bool ended = poll(&wait, 1, 600'000) == 1;
  close(fd);
  return ended;
}

struct Nursery {
  ScratchFolder folder;
  BoundedQueue<ChildEvent> events{100};
  Children children{[this](ChildEvent event) { events.Push(std::move(event)); }};

  // The control descriptor is the last argument.
  ChildCommand Script(const std::string& body) {
    const std::string path = folder.File("script.sh");
    CATCH_REQUIRE(WriteFileAtomically(SystemFiles(), path, body).ok());
    return {"/bin/sh", {path}};
  }
  nlohmann::json NextMessage() {
    auto event = events.Pop(absl::Minutes(10));
    CATCH_REQUIRE(event);
    CATCH_REQUIRE(std::holds_alternative<ChildMessage>(*event));
    return std::get<ChildMessage>(*event).message;
  }
  ChildExited NextExit() {
    auto event = events.Pop(absl::Minutes(10));
    CATCH_REQUIRE(event);
    CATCH_REQUIRE(std::holds_alternative<ChildExited>(*event));
    return std::get<ChildExited>(*event);
  }
};

CATCH_TEST_CASE("a child's messages come in order, then its exit") {
  Nursery nursery;
  const ChildCommand command = nursery.Script(
      "echo '{\"event\":\"hello\",\"fd\":\"'$2'\"}' >&3\n"
      "read line <&3\n"
      "echo '{\"event\":\"heard\",\"line\":'\"$line\"'}' >&3\n");
  CATCH_REQUIRE(nursery.children.Start(7, command).ok());
  const nlohmann::json hello = nursery.NextMessage();
  CATCH_CHECK(hello["event"] == "hello");
  CATCH_CHECK(hello["fd"] == "3");
  CATCH_REQUIRE(nursery.children.Send(7, {{"command", "stop"}}).ok());
  CATCH_CHECK(nursery.NextMessage()["line"]["command"] == "stop");
  const ChildExited exited = nursery.NextExit();
  CATCH_CHECK(exited.child == 7);
  CATCH_CHECK(exited.clean);
  nursery.children.Forget(7);
  CATCH_CHECK(absl::IsUnavailable(nursery.children.Send(7, {{"command", "stop"}})));
}

CATCH_TEST_CASE("exits are described for people") {
  Nursery nursery;
  CATCH_REQUIRE(nursery.children.Start(1, nursery.Script("exit 5\n")).ok());
  ChildExited exited = nursery.NextExit();
  CATCH_CHECK_FALSE(exited.clean);
  CATCH_CHECK(exited.reason == "left with exit code 5");
  CATCH_REQUIRE(nursery.children.Start(2, nursery.Script("kill -9 $$\n")).ok());
  CATCH_CHECK(nursery.NextExit().reason == "was killed by signal 9 (SIGKILL)");
  CATCH_CHECK(absl::IsNotFound(nursery.children.Start(3, {"/no/such/program", {}})));
}

CATCH_TEST_CASE("a stopped child is reported, and that it goes on") {
  Nursery nursery;
  CATCH_REQUIRE(nursery.children.Start(1, nursery.Script("echo '{\"pid\":'$$'}' >&3\nread line <&3\n")).ok());
  const pid_t child = nursery.NextMessage()["pid"].get<pid_t>();
  const auto next_halt = [&nursery] {
    auto event = nursery.events.Pop(absl::Minutes(10));
    CATCH_REQUIRE(event);
    CATCH_REQUIRE(std::holds_alternative<ChildHalted>(*event));
    return std::get<ChildHalted>(*event);
  };
  kill(child, SIGSTOP);
  const ChildHalted stopped = next_halt();
  CATCH_CHECK(stopped.halted);
  CATCH_CHECK(stopped.reason == "is stopped by signal 19 (SIGSTOP)");
  kill(child, SIGCONT);
  CATCH_CHECK_FALSE(next_halt().halted);
  nursery.children.Kill(1);
  CATCH_CHECK(nursery.NextExit().reason == "was killed by signal 9 (SIGKILL)");
}

CATCH_TEST_CASE("a child that hears nothing is killed with everything it started") {
  Nursery nursery;
  const ChildCommand command = nursery.Script(
      "trap '' TERM\n"
      "sleep 1000 &\n"
      "echo '{\"grandchild\":'$!'}' >&3\n"
      "wait\n");
  CATCH_REQUIRE(nursery.children.Start(1, command).ok());
  const pid_t grandchild = nursery.NextMessage()["grandchild"].get<pid_t>();
  CATCH_CHECK(kill(grandchild, 0) == 0);
  nursery.children.Kill(1);
  CATCH_CHECK(nursery.NextExit().reason == "was killed by signal 9 (SIGKILL)");
  nursery.children.Kill(1);
  CATCH_CHECK(Ends(grandchild));
}

CATCH_TEST_CASE("children die with the agent") {
  ScratchFolder folder;
  const std::string script = folder.File("child.sh");
  CATCH_REQUIRE(
      WriteFileAtomically(SystemFiles(), script, "echo '{\"pid\":'$$'}' >&3; exec sleep 1000\n").ok());
  int ends[2];
  CATCH_REQUIRE(pipe(ends) == 0);
  const pid_t agent = fork();
  if (agent == 0) {
    Children children([&ends](const ChildEvent& event) {
      const pid_t pid = std::get<ChildMessage>(event).message["pid"].get<pid_t>();
      if (write(ends[1], &pid, sizeof(pid)) < 0) _exit(1);
    });
    if (!children.Start(1, {"/bin/sh", {script}}).ok()) _exit(1);
    while (true) pause();
  }
  close(ends[1]);
  pid_t child = 0;
  CATCH_REQUIRE(read(ends[0], &child, sizeof(child)) == sizeof(child));
  close(ends[0]);
  kill(agent, SIGKILL);
  waitpid(agent, nullptr, 0);
  CATCH_CHECK(Ends(child));
}

}  // namespace
}  // namespace interceptor::worker
