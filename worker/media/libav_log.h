// Errors that libav conceals and only writes to its log; what it returns then is not what was filmed.
// Recorded are those of Matroska's demuxer, which skips a damaged block, and of the JPEG decoder, which
// paints grey.
#pragma once

#include <string>

namespace interceptor::worker {

// Records the first error in this thread's log until it is destroyed.
// REQUIRES: at most one at a time on a thread.
class LibavErrorLog {
 public:
  LibavErrorLog();
  ~LibavErrorLog();
  LibavErrorLog(const LibavErrorLog&) = delete;
  LibavErrorLog& operator=(const LibavErrorLog&) = delete;

  // Empty when there was none.
  const std::string& first() const;
};

}  // namespace interceptor::worker
