// The terminal while `watch` has it: the alternate screen, keys without Enter, signals as values. What was
// there before comes back when the object ends, also after Ctrl-C, SIGTERM, SIGHUP and Ctrl-Z. One object at
// a time.
#pragma once

#include <termios.h>

#include <optional>
#include <string>
#include <vector>

namespace interceptor::coordinator {

class Screen {
 public:
  // Draws on file descriptor `out_fd` and reads keys from `in_fd`.
  Screen(int in_fd, int out_fd);
  ~Screen();
  Screen(const Screen&) = delete;
  Screen& operator=(const Screen&) = delete;

  // Replaces what is shown. Lines beyond the right edge are cut off by the terminal.
  void Draw(const std::vector<std::string>& lines);

  // Waits for a key, a signal or `other_fd` for at most `timeout_ms`.
  void Wait(int other_fd, int timeout_ms);

  // The exit code to leave with, once a key (0) or a signal (128 + its number) asked for it.
  std::optional<int> leave() const { return leave_; }

 private:
  void Enter();
  void Leave();
  void HandleSignals();
  void HandleKeys();

  const int in_fd_;
  const int out_fd_;
  bool keys_open_;
  std::optional<termios> before_;
  std::optional<int> leave_;
};

}  // namespace interceptor::coordinator
