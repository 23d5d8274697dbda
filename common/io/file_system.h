// The one seam to the disk. Everything that must survive a crash goes through it, so tests can fail the Nth
// call or lose what was not synced. Paths are plain strings. Safe from any thread.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace interceptor {

// An open file; closed by the destructor. One thread at a time.
class File {
 public:
  virtual ~File() = default;
  // Writes all of `bytes` at `offset`, or fails.
  virtual absl::Status WriteAt(int64_t offset, std::string_view bytes) = 0;
  // Reads up to `size` bytes at `offset`; fewer only at the end of the file.
  virtual absl::StatusOr<std::string> ReadAt(int64_t offset, int64_t size) const = 0;
  virtual absl::StatusOr<int64_t> Size() const = 0;
  virtual absl::Status Truncate(int64_t size) = 0;
  // After OK the contents survive a power loss. After an error nothing is known: never retry a sync.
  virtual absl::Status Sync() = 0;
  // Takes an exclusive lock that ends with this object or the process; FAILED_PRECONDITION when another
  // open file holds it.
  virtual absl::Status Lock() = 0;
};

struct FileInfo {
  int64_t size_bytes = 0;
  bool is_directory = false;
  uint64_t inode = 0;
  absl::Time modified;

  // The same file with, as far as its size and time tell, the same bytes.
  friend bool operator==(const FileInfo&, const FileInfo&) = default;
};

struct SpaceInfo {
  int64_t free_bytes = 0;
  int64_t total_bytes = 0;
};

enum class OpenMode {
  kRead,       // NOT_FOUND when absent
  kReadWrite,  // created when absent
  kCreateNew,  // ALREADY_EXISTS when present
};

class FileSystem {
 public:
  virtual ~FileSystem() = default;
  virtual absl::StatusOr<std::unique_ptr<File>> Open(const std::string& path, OpenMode mode) const = 0;
  virtual absl::StatusOr<FileInfo> Stat(const std::string& path) const = 0;
  // Names (no paths) in a folder, sorted.
  virtual absl::StatusOr<std::vector<std::string>> List(const std::string& folder) const = 0;
  // Makes the folder and its parents; OK when it is there.
  virtual absl::Status MakeFolder(const std::string& folder) const = 0;
  // Replaces `to` in one step.
  virtual absl::Status Rename(const std::string& from, const std::string& to) const = 0;
  // A second name of the same file, on the same disk. ALREADY_EXISTS when `to` is there.
  virtual absl::Status Link(const std::string& from, const std::string& to) const = 0;
  // OK when already gone; a folder must be empty.
  virtual absl::Status Remove(const std::string& path) const = 0;
  // Makes creations, renames and removals in `folder` survive a power loss.
  virtual absl::Status SyncFolder(const std::string& folder) const = 0;
  virtual absl::StatusOr<SpaceInfo> Space(const std::string& folder) const = 0;

  bool Exists(const std::string& path) const { return Stat(path).ok(); }
  bool HasSize(const std::string& path, int64_t size_bytes) const {
    const auto info = Stat(path);
    return info.ok() && info->size_bytes == size_bytes;
  }
};

// The machine's own file system; lives for the whole program.
const FileSystem& SystemFiles();

// `a` + "/" + `b`.
std::string JoinPath(std::string_view folder, std::string_view name);
std::string ParentFolder(std::string_view path);
std::string BaseName(std::string_view path);

// The folder that the running program lies in.
std::string OwnFolder();

}  // namespace interceptor
