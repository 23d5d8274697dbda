#include "worker/agent/children.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <thread>
#include <utility>

#include "common/base/check.h"
#include "common/base/log.h"
#include "common/base/status.h"
#include "common/io/line_channel.h"

namespace interceptor::worker {
namespace {

constexpr int kControlFd = 3;
constexpr int kExecFailed = 127;
// A stopped process wakes no poll, so it is looked for.
constexpr int kHaltPollMs = 1000;

std::string SignalName(int number) {
  const char* name = sigabbrev_np(number);
  return Cat("signal ", number, name == nullptr ? "" : Cat(" (SIG", name, ")"));
}

// Between fork and exec: only calls that are safe there.
[[noreturn]] void BecomeProgram(pid_t parent, int control_fd, char* const* arguments) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(kExecFailed);
  setpgid(0, 0);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  signal(SIGPIPE, SIG_DFL);
  if (control_fd == kControlFd) {
    fcntl(control_fd, F_SETFD, 0);
  } else {
    dup2(control_fd, kControlFd);
  }
  dup2(STDERR_FILENO, STDOUT_FILENO);
  execv(arguments[0], arguments);
  _exit(kExecFailed);
}

}  // namespace

struct Children::Child {
  pid_t pid = 0;
  int pid_fd = -1;
  std::unique_ptr<LineChannel> channel;
  std::thread watcher;

  ~Child() {
    if (watcher.joinable()) watcher.join();
    if (pid_fd >= 0) close(pid_fd);
  }

  // Hands over every whole message that is there; false when none will follow.
  bool Drain(ChildId id, const Sink& sink) {
    while (true) {
      auto input = channel->TryReceive();
      if (!input.ok()) {
        ICPT_LOG(kWarning) << "control channel of child " << pid << ": " << Message(input.status());
        if (absl::IsInvalidArgument(input.status())) continue;
        kill(-pid, SIGKILL);  // what cannot be heard cannot be supervised
        return false;
      }
      if (input->kind == ChannelInput::Kind::kClosed) return false;
      if (input->kind == ChannelInput::Kind::kNothing) return true;
      sink(ChildMessage{id, std::move(input->message)});
    }
  }

  void LookForHalt(ChildId id, const Sink& sink) const {
    siginfo_t info{};
    if (waitid(P_PID, static_cast<id_t>(pid), &info, WSTOPPED | WCONTINUED | WNOHANG) != 0) return;
    if (info.si_pid == 0) return;
    const bool halted = info.si_code != CLD_CONTINUED;
    sink(ChildHalted{id, halted, halted ? "is stopped by " + SignalName(info.si_status) : ""});
  }

  void Watch(ChildId id, const Sink& sink) {
    bool open = true;
    while (true) {
      pollfd waits[2] = {{pid_fd, POLLIN, 0}, {open ? channel->fd() : -1, POLLIN, 0}};
      if (poll(waits, 2, kHaltPollMs) < 0 && errno != EINTR) break;
      LookForHalt(id, sink);
      if (open) open = Drain(id, sink);
      if ((waits[0].revents & POLLIN) != 0) break;
    }
    if (open) Drain(id, sink);
    // The leader is a zombie until it is reaped, so its group's number is still its own.
    kill(-pid, SIGKILL);
    int status = 0;
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    sink(ChildExited{id, WIFEXITED(status) && WEXITSTATUS(status) == 0, DescribeExit(status)});
  }
};

std::string DescribeExit(int wait_status) {
  if (WIFEXITED(wait_status)) {
    const int code = WEXITSTATUS(wait_status);
    return Cat("left with exit code ", code, code == kExecFailed ? " (it could not be started)" : "");
  }
  if (!WIFSIGNALED(wait_status)) return "ended";
  return Cat("was killed by ", SignalName(WTERMSIG(wait_status)));
}

Children::Children(Sink sink) : sink_(std::move(sink)) {}

Children::~Children() {
  for (const auto& [id, child] : children_) kill(-child->pid, SIGKILL);
}

absl::Status Children::Start(ChildId id, const ChildCommand& command) {
  if (access(command.program.c_str(), X_OK) != 0) {
    return NotFound("program ", command.program,
                    " is not there or not executable: install it beside this one");
  }
  ICPT_ASSIGN_OR_RETURN(ChannelPair pair, MakeChannelPair());
  std::vector<std::string> words = {command.program};
  words.insert(words.end(), command.arguments.begin(), command.arguments.end());
  words.insert(words.end(), {"--control-fd", Cat(kControlFd)});
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);

  const pid_t parent = getpid();
  const pid_t pid = fork();
  if (pid == 0) BecomeProgram(parent, pair.child_fd, arguments.data());
  const int fork_error = errno;
  close(pair.child_fd);
  if (pid < 0) return ErrnoStatus(fork_error, Cat("start ", command.program));
  setpgid(pid, pid);

  auto child = std::make_unique<Child>();
  child->pid = pid;
  child->channel = std::move(pair.channel);
  child->pid_fd = static_cast<int>(syscall(SYS_pidfd_open, pid, 0));
  ICPT_CHECK(child->pid_fd >= 0) << "pidfd_open: " << strerror(errno);
  child->watcher = std::thread([raw = child.get(), id, this] { raw->Watch(id, sink_); });
  ICPT_CHECK(children_.emplace(id, std::move(child)).second) << "child " << id;
  return absl::OkStatus();
}

absl::Status Children::Send(ChildId id, const nlohmann::json& command) {
  const auto child = children_.find(id);
  if (child == children_.end()) return Unavailable("child ", id, " is gone");
  return child->second->channel->Send(command);
}

void Children::Kill(ChildId id) {
  const auto child = children_.find(id);
  // A group without processes, or a number that is not ours any more, is what pidfd guards against: the group
  // is signalled only while its leader is not reaped.
  if (child == children_.end()) return;
  if (syscall(SYS_pidfd_send_signal, child->second->pid_fd, 0, nullptr, 0) == 0)
    kill(-child->second->pid, SIGKILL);
}

void Children::Forget(ChildId id) { children_.erase(id); }

}  // namespace interceptor::worker
