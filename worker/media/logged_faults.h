// Faults that libav repairs as best it can and only writes to its log: what it then gives is not what was
// filmed. Heard are Matroska's demuxer, which skips a damaged block, and the decoder of JPEG, which paints
// grey.
#pragma once

#include <string>

namespace interceptor::worker {

// Hears this thread's log until it is destroyed; at most one at a time on a thread.
class LoggedFaults {
 public:
  LoggedFaults();
  ~LoggedFaults();
  LoggedFaults(const LoggedFaults&) = delete;
  LoggedFaults& operator=(const LoggedFaults&) = delete;

  // Of the first fault; empty when there was none.
  const std::string& first() const;
};

}  // namespace interceptor::worker
