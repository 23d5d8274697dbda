// Files that appear whole or not at all. The algorithm, everywhere in this project:
//   1. write <path>.tmp-<id> beside the target, 2. sync it, 3. rename it over the target, 4. sync the folder.
// A reader sees the old bytes or the new ones; a crash leaves at most a .tmp- file, which RemoveTemporaries
// sweeps.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "common/base/digest.h"
#include "common/io/file_system.h"

namespace interceptor {

// Steps 1 to 4 for bytes in memory.
absl::Status WriteFileAtomically(const FileSystem& files, const std::string& path, std::string_view bytes);

// The whole file. NOT_FOUND when absent; RESOURCE_EXHAUSTED when larger than `limit_bytes`.
absl::StatusOr<std::string> ReadWholeFile(const FileSystem& files, const std::string& path,
                                          int64_t limit_bytes = int64_t{256} << 20);

// SHA-256 of a file, read in parts; CANCELLED when `stopped`, which is asked before each, says so.
absl::StatusOr<Digest> DigestOfFile(const FileSystem& files, const std::string& path,
                                    const std::function<bool()>& stopped = nullptr);

// The same steps for a file written in parts; the destructor removes an uncommitted temporary.
class AtomicFileWriter {
 public:
  static absl::StatusOr<std::unique_ptr<AtomicFileWriter>> Create(const FileSystem& files, std::string path);
  virtual ~AtomicFileWriter() = default;

  virtual absl::Status Append(std::string_view bytes) = 0;
  // Overwrites bytes already appended.
  virtual absl::Status WriteAt(int64_t offset, std::string_view bytes) = 0;
  virtual int64_t size_bytes() const = 0;
  // Steps 2 to 4. Nothing may follow.
  virtual absl::Status Commit() = 0;
};

// Removes <name>.tmp-<id> left in `folder` by a crashed writer. Call only while no writer is alive there.
absl::Status RemoveTemporaries(const FileSystem& files, const std::string& folder);

}  // namespace interceptor
