#include "tests/support/process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>

#include "common/base/check.h"
#include "common/base/status.h"

extern char** environ;

namespace interceptor {

Process::Process(const std::string& program, const std::vector<std::string>& arguments,
                 const std::map<std::string, std::string>& environment) {
  int out[2];
  int err[2];
  ICPT_CHECK(pipe2(out, O_CLOEXEC) == 0 && pipe2(err, O_CLOEXEC) == 0) << "no pipe";
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, out[1], STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&actions, err[1], STDERR_FILENO);

  std::vector<char*> argv = {const_cast<char*>(program.c_str())};
  for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  std::vector<std::string> settings;
  for (const auto& [name, value] : environment) settings.push_back(Cat(name, "=", value));
  std::vector<char*> envp;
  for (std::string& setting : settings) envp.push_back(setting.data());
  for (char** one = environ; *one != nullptr; ++one) envp.push_back(*one);
  envp.push_back(nullptr);

  const int failed = posix_spawnp(&pid_, program.c_str(), &actions, nullptr, argv.data(), envp.data());
  posix_spawn_file_actions_destroy(&actions);
  close(out[1]);
  close(err[1]);
  ICPT_CHECK(failed == 0) << "cannot start " << program << ": errno " << failed;
  readers_.emplace_back([this, descriptor = out[0]] { ReadAll(descriptor, out_); });
  readers_.emplace_back([this, descriptor = err[0]] { ReadAll(descriptor, err_); });
}

Process::~Process() {
  if (!exit_.has_value()) {
    Signal(SIGKILL);
    Wait().IgnoreError();
  }
  for (std::thread& reader : readers_) reader.join();
}

void Process::Signal(int signal_number) const {
  if (!exit_.has_value()) kill(pid_, signal_number);
}

absl::StatusOr<int> Process::Wait(absl::Duration timeout) {
  if (!exit_.has_value()) {
    const int descriptor = static_cast<int>(syscall(SYS_pidfd_open, pid_, 0));
    if (descriptor < 0) return ErrnoStatus(errno, "pidfd_open");
    pollfd ready = {descriptor, POLLIN, 0};
    const int polled = poll(&ready, 1, static_cast<int>(absl::ToInt64Milliseconds(timeout)));
    close(descriptor);
    if (polled == 0) return absl::DeadlineExceededError(Cat("process ", pid_, " runs on"));
    int status = 0;
    if (waitpid(pid_, &status, 0) != pid_) return ErrnoStatus(errno, "waitpid");
    exit_ = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    // A grandchild may hold the pipes open; what the program itself wrote is in them already.
  }
  absl::MutexLock lock(&mutex_);
  const auto ended = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return out_.ended && err_.ended; };
  mutex_.AwaitWithTimeout(absl::Condition(&ended), absl::Minutes(1));
  return *exit_;
}

absl::StatusOr<std::string> Process::AwaitLine(const std::string& prefix, absl::Duration timeout) {
  absl::MutexLock lock(&mutex_);
  std::optional<std::string> rest;
  const auto found = [&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    size_t begin = 0;
    for (size_t end = out_.text.find('\n'); end != std::string::npos; end = out_.text.find('\n', begin)) {
      if (out_.text.compare(begin, prefix.size(), prefix) == 0) {
        rest = out_.text.substr(begin + prefix.size(), end - begin - prefix.size());
        return true;
      }
      begin = end + 1;
    }
    return out_.ended;
  };
  if (!mutex_.AwaitWithTimeout(absl::Condition(&found), timeout)) {
    return absl::DeadlineExceededError(Cat("no line starts with '", prefix, "'"));
  }
  if (!rest.has_value()) return Unavailable("the program ended: ", err_.text);
  return *rest;
}

std::string Process::out() const {
  absl::MutexLock lock(&mutex_);
  return out_.text;
}

std::string Process::err() const {
  absl::MutexLock lock(&mutex_);
  return err_.text;
}

void Process::ReadAll(int descriptor, Stream& stream) {
  char buffer[4096];
  while (true) {
    const ssize_t got = read(descriptor, buffer, sizeof(buffer));
    if (got < 0 && errno == EINTR) continue;
    absl::MutexLock lock(&mutex_);
    if (got <= 0) {
      stream.ended = true;
      break;
    }
    stream.text.append(buffer, static_cast<size_t>(got));
  }
  close(descriptor);
}

}  // namespace interceptor
