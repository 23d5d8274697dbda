// A file in memory that code which opens files by path can open.
#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include <string>
#include <string_view>

namespace interceptor::fuzz {

class MemoryPath {
 public:
  explicit MemoryPath(std::string_view bytes) : fd_(memfd_create("input", MFD_CLOEXEC)) {
    if (write(fd_, bytes.data(), bytes.size()) != static_cast<ssize_t>(bytes.size())) _exit(1);
    path_ = "/proc/self/fd/" + std::to_string(fd_);
  }
  ~MemoryPath() { close(fd_); }
  MemoryPath(const MemoryPath&) = delete;
  MemoryPath& operator=(const MemoryPath&) = delete;

  const std::string& path() const { return path_; }

 private:
  int fd_;
  std::string path_;
};

}  // namespace interceptor::fuzz
