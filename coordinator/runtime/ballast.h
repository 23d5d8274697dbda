// A few megabytes kept on the disk of the journal, so that when it is full there is room to journal removals:
// they free the rest.
#pragma once

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "common/io/file_system.h"

namespace interceptor::coordinator {

// One thread.
class Ballast {
 public:
  // `files` must outlive it.
  Ballast(const FileSystem& files, const std::string& folder, int64_t size_bytes);

  bool stowed() const { return stowed_; }
  // Writes the file unless it is there. RESOURCE_EXHAUSTED unless as much again stays free.
  absl::Status Stow();
  // Gives its space back.
  absl::Status Drop();

 private:
  const FileSystem& files_;
  const std::string folder_;
  const std::string path_;
  const int64_t size_bytes_;
  bool stowed_;
};

}  // namespace interceptor::coordinator
