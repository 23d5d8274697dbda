// The signals that ask a program to leave: SIGTERM, SIGINT (Ctrl-C) and SIGHUP (its terminal was closed).
#pragma once

#include <atomic>
#include <functional>
#include <thread>

namespace interceptor {

// As long as it lives none of them ends the process; afterwards they are ignored. From its start on a pipe
// that nobody reads any more is an error of write() instead of SIGPIPE.
//
// A SIGHUP that was ignored when the program began (nohup) stays ignored. One that follows another stop signal
// is dropped: shell and kernel send one each when a terminal closes, and a second request means haste.
class StopSignals {
 public:
  // Calls `on_signal` with each signal's number, in a thread of its own and never after the destructor.
  // REQUIRES: no other object of this class lives.
  explicit StopSignals(std::function<void(int number)> on_signal);
  ~StopSignals();
  StopSignals(const StopSignals&) = delete;
  StopSignals& operator=(const StopSignals&) = delete;

 private:
  void HandleAll();

  const std::function<void(int)> on_signal_;
  std::atomic<bool> ended_ = false;
  std::thread thread_;
};

}  // namespace interceptor
