// A program under test: started with arguments, its lines read as they come, stopped or killed by signal.
// Whatever still runs is killed by the destructor. One test thread.
#pragma once

#include <sys/types.h>

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"

namespace interceptor {

class Process {
 public:
  // `program` is found on PATH unless it has a slash.
  Process(const std::string& program, const std::vector<std::string>& arguments,
          const std::map<std::string, std::string>& environment = {});
  ~Process();
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  pid_t pid() const { return pid_; }
  void Signal(int signal_number) const;
  // The exit status, or 128 + the signal that ended it; DEADLINE_EXCEEDED when it runs on.
  absl::StatusOr<int> Wait(absl::Duration timeout = absl::Minutes(10));
  // What follows `prefix` in the first line of stdout that starts with it; UNAVAILABLE with stderr when the
  // program ended without one.
  absl::StatusOr<std::string> AwaitLine(const std::string& prefix,
                                        absl::Duration timeout = absl::Minutes(10));

  // Everything so far; whole after Wait.
  std::string out() const;
  std::string err() const;

 private:
  struct Stream {
    std::string text;
    bool ended = false;
  };
  void ReadAll(int descriptor, Stream& stream);

  pid_t pid_ = -1;
  std::optional<int> exit_;
  mutable absl::Mutex mutex_;
  Stream out_ ABSL_GUARDED_BY(mutex_);
  Stream err_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::thread> readers_;
};

}  // namespace interceptor
