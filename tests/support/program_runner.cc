#include "tests/support/program_runner.h"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include <array>
#include <csignal>

#include "common/base/check.h"
#include "common/base/status.h"

namespace interceptor::coordinator {
namespace {

constexpr int kPatienceMs = 600'000;

struct Words {
  std::vector<std::string> texts;
  std::vector<char*> pointers;

  void Add(std::string text) { texts.push_back(std::move(text)); }
  char* const* Pointers() {
    for (std::string& text : texts) pointers.push_back(text.data());
    pointers.push_back(nullptr);
    return pointers.data();
  }
};

pid_t Spawn(const posix_spawn_file_actions_t& actions, const posix_spawnattr_t& attributes,
            const std::vector<std::string>& arguments,
            const std::map<std::string, std::string>& environment) {
  Words words;
  words.Add(INTERCEPTOR_PROGRAM);
  for (const std::string& argument : arguments) words.Add(argument);
  Words variables;
  for (const auto& [name, value] : environment) variables.Add(Cat(name, "=", value));
  pid_t pid = -1;
  const int error =
      posix_spawn(&pid, INTERCEPTOR_PROGRAM, &actions, &attributes, words.Pointers(), variables.Pointers());
  ICPT_CHECK(error == 0) << INTERCEPTOR_PROGRAM << ": " << error;
  return pid;
}

int ExitCode(pid_t pid) {
  int status = 0;
  ICPT_CHECK(waitpid(pid, &status, 0) == pid);
  return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

}  // namespace

Finished RunInterceptor(const std::vector<std::string>& arguments,
                        const std::map<std::string, std::string>& environment) {
  std::array<std::array<int, 2>, 2> pipes{};
  for (auto& ends : pipes) ICPT_CHECK(pipe2(ends.data(), O_CLOEXEC) == 0);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, pipes[0][1], 1);
  posix_spawn_file_actions_adddup2(&actions, pipes[1][1], 2);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  const pid_t pid = Spawn(actions, attributes, arguments, environment);
  posix_spawn_file_actions_destroy(&actions);
  posix_spawnattr_destroy(&attributes);
  for (auto& ends : pipes) close(ends[1]);

  Finished finished;
  std::array<std::string*, 2> texts = {&finished.out, &finished.err};
  std::array<pollfd, 2> fds = {{{pipes[0][0], POLLIN, 0}, {pipes[1][0], POLLIN, 0}}};
  while (fds[0].fd >= 0 || fds[1].fd >= 0) {
    if (poll(fds.data(), fds.size(), kPatienceMs) <= 0) break;
    for (size_t i = 0; i < fds.size(); ++i) {
      if (fds[i].fd < 0 || fds[i].revents == 0) continue;
      std::array<char, 4096> buffer;
      const ssize_t bytes = read(fds[i].fd, buffer.data(), buffer.size());
      if (bytes > 0) {
        texts[i]->append(buffer.data(), static_cast<size_t>(bytes));
      } else {
        fds[i].fd = -1;
      }
    }
  }
  if (fds[0].fd >= 0 || fds[1].fd >= 0) kill(pid, SIGKILL);
  for (auto& ends : pipes) close(ends[0]);
  finished.exit_code = ExitCode(pid);
  return finished;
}

TerminalSession::TerminalSession(const std::vector<std::string>& arguments,
                                 const std::map<std::string, std::string>& environment) {
  terminal_ = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
  ICPT_CHECK(terminal_ >= 0 && grantpt(terminal_) == 0 && unlockpt(terminal_) == 0);
  const winsize window = {.ws_row = 24, .ws_col = 80, .ws_xpixel = 0, .ws_ypixel = 0};
  ioctl(terminal_, TIOCSWINSZ, &window);
  const std::string name = ptsname(terminal_);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  // The first terminal that a session leader opens becomes the one whose Ctrl-C reaches it.
  posix_spawn_file_actions_addopen(&actions, 0, name.c_str(), O_RDWR, 0);
  posix_spawn_file_actions_adddup2(&actions, 0, 1);
  posix_spawn_file_actions_adddup2(&actions, 0, 2);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSID);
  pid_ = Spawn(actions, attributes, arguments, environment);
  posix_spawn_file_actions_destroy(&actions);
  posix_spawnattr_destroy(&attributes);
}

TerminalSession::~TerminalSession() {
  if (pid_ > 0) {
    kill(pid_, SIGKILL);
    ExitCode(pid_);
  }
  close(terminal_);
}

bool TerminalSession::ReadMore() {
  pollfd readable = {terminal_, POLLIN, 0};
  if (poll(&readable, 1, kPatienceMs) <= 0) return false;
  std::array<char, 4096> buffer;
  const ssize_t bytes = read(terminal_, buffer.data(), buffer.size());
  if (bytes <= 0) return false;
  output_.append(buffer.data(), static_cast<size_t>(bytes));
  return true;
}

bool TerminalSession::Await(const std::string& text) {
  while (output_.find(text) == std::string::npos) {
    if (!ReadMore()) return false;
  }
  return true;
}

void TerminalSession::Type(const std::string& keys) {
  ICPT_CHECK(write(terminal_, keys.data(), keys.size()) == static_cast<ssize_t>(keys.size()));
}

void TerminalSession::Signal(int number) { kill(pid_, number); }

int TerminalSession::Wait() {
  while (ReadMore()) {
  }
  const int code = ExitCode(pid_);
  pid_ = -1;
  return code;
}

}  // namespace interceptor::coordinator
