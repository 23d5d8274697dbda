#include "common/io/file_system.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <utility>

#include "common/base/status.h"

namespace interceptor {
namespace {

// Repeats a system call that a signal interrupted.
template <typename Call>
auto Retry(Call call) {
  auto result = call();
  while (result == -1 && errno == EINTR) result = call();
  return result;
}

class SystemFile : public File {
 public:
  SystemFile(int descriptor, std::string path) : descriptor_(descriptor), path_(std::move(path)) {}
  // A signal during close leaves the descriptor closed on Linux, so close is never repeated.
  ~SystemFile() override { ::close(descriptor_); }
  SystemFile(const SystemFile&) = delete;
  SystemFile& operator=(const SystemFile&) = delete;

  absl::Status WriteAt(int64_t offset, std::string_view bytes) override {
    while (!bytes.empty()) {
      const ssize_t written =
          Retry([&] { return ::pwrite(descriptor_, bytes.data(), bytes.size(), offset); });
      if (written < 0) return ErrnoStatus(errno, Cat("cannot write ", path_));
      if (written == 0) return Internal("cannot write ", path_, ": the system took no bytes");
      bytes.remove_prefix(static_cast<size_t>(written));
      offset += written;
    }
    return absl::OkStatus();
  }

  absl::StatusOr<std::string> ReadAt(int64_t offset, int64_t size) const override {
    if (offset < 0 || size < 0) return InvalidArgument("cannot read ", path_, ": negative offset or size");
    ICPT_ASSIGN_OR_RETURN(const int64_t file_size, Size());
    // Files of /proc report no size and are read in growing parts; for all others the buffer is made once,
    // never larger than the file.
    const bool size_known = file_size > 0;
    const int64_t wanted = size_known ? std::clamp<int64_t>(file_size - offset, 0, size) : size;
    std::string bytes;
    int64_t done = 0;
    while (done < wanted) {
      bytes.resize(static_cast<size_t>(size_known ? wanted : std::min(wanted, done + kUnknownSizePart)));
      const ssize_t got = Retry([&] {
        return ::pread(descriptor_, bytes.data() + done, bytes.size() - static_cast<size_t>(done),
                       offset + done);
      });
      if (got < 0) return ErrnoStatus(errno, Cat("cannot read ", path_));
      if (got == 0) break;
      done += got;
    }
    bytes.resize(static_cast<size_t>(done));
    return bytes;
  }

  absl::StatusOr<int64_t> Size() const override {
    struct stat info;
    if (::fstat(descriptor_, &info) != 0) return ErrnoStatus(errno, Cat("cannot examine ", path_));
    return static_cast<int64_t>(info.st_size);
  }

  absl::Status Truncate(int64_t size) override {
    if (Retry([&] { return ::ftruncate(descriptor_, size); }) != 0) {
      return ErrnoStatus(errno, Cat("cannot cut ", path_, " to ", size, " bytes"));
    }
    return absl::OkStatus();
  }

  absl::Status Sync() override {
    if (Retry([&] { return ::fsync(descriptor_); }) != 0) {
      return ErrnoStatus(errno, Cat("cannot sync ", path_));
    }
    return absl::OkStatus();
  }

  absl::Status Lock() override {
    if (Retry([&] { return ::flock(descriptor_, LOCK_EX | LOCK_NB); }) == 0) return absl::OkStatus();
    if (errno == EWOULDBLOCK) {
      return FailedPrecondition(path_, " is locked by another process; stop it, or use another folder");
    }
    return ErrnoStatus(errno, Cat("cannot lock ", path_));
  }

 private:
  static constexpr int64_t kUnknownSizePart = 64 << 10;

  const int descriptor_;
  const std::string path_;
};

int OpenFlags(OpenMode mode) {
  switch (mode) {
    case OpenMode::kRead:
      return O_RDONLY | O_NONBLOCK;  // a FIFO without a writer must not hold anybody up
    case OpenMode::kReadWrite:
      return O_RDWR | O_CREAT;
    case OpenMode::kCreateNew:
      return O_RDWR | O_CREAT | O_EXCL;
  }
  return O_RDONLY;
}

class SystemFileSystem : public FileSystem {
 public:
  absl::StatusOr<std::unique_ptr<File>> Open(const std::string& path, OpenMode mode) const override {
    const int descriptor = Retry([&] { return ::open(path.c_str(), OpenFlags(mode) | O_CLOEXEC, 0644); });
    if (descriptor < 0) return ErrnoStatus(errno, Cat("cannot open ", path));
    return std::make_unique<SystemFile>(descriptor, path);
  }

  absl::StatusOr<FileInfo> Stat(const std::string& path) const override {
    struct stat info;
    if (::stat(path.c_str(), &info) != 0) return ErrnoStatus(errno, Cat("cannot examine ", path));
    return FileInfo{.size_bytes = info.st_size,
                    .is_directory = S_ISDIR(info.st_mode),
                    .inode = info.st_ino,
                    .modified = absl::TimeFromTimespec(info.st_mtim)};
  }

  absl::StatusOr<std::vector<std::string>> List(const std::string& folder) const override {
    DIR* stream = ::opendir(folder.c_str());
    if (stream == nullptr) return ErrnoStatus(errno, Cat("cannot list ", folder));
    const std::unique_ptr<DIR, int (*)(DIR*)> closer(stream, &::closedir);
    std::vector<std::string> names;
    while (true) {
      errno = 0;
      const dirent* entry = ::readdir(stream);
      if (entry == nullptr) break;
      const std::string_view name = entry->d_name;
      if (name != "." && name != "..") names.emplace_back(name);
    }
    if (errno != 0) return ErrnoStatus(errno, Cat("cannot list ", folder));
    std::sort(names.begin(), names.end());
    return names;
  }

  absl::Status MakeFolder(const std::string& folder) const override {
    if (::mkdir(folder.c_str(), 0755) == 0) return absl::OkStatus();
    if (errno == EEXIST) {
      ICPT_ASSIGN_OR_RETURN(const FileInfo info, Stat(folder));
      if (info.is_directory) return absl::OkStatus();
      return absl::AlreadyExistsError(Cat("cannot make the folder ", folder, ": a file has that name"));
    }
    const std::string parent = ParentFolder(folder);
    if (errno != ENOENT || parent == folder || parent == ".") {
      return ErrnoStatus(errno, Cat("cannot make the folder ", folder));
    }
    ICPT_RETURN_IF_ERROR(MakeFolder(parent));
    if (::mkdir(folder.c_str(), 0755) == 0 || errno == EEXIST) return absl::OkStatus();
    return ErrnoStatus(errno, Cat("cannot make the folder ", folder));
  }

  absl::Status Rename(const std::string& from, const std::string& to) const override {
    if (::rename(from.c_str(), to.c_str()) != 0) {
      return ErrnoStatus(errno, Cat("cannot rename ", from, " to ", to));
    }
    return absl::OkStatus();
  }

  absl::Status Link(const std::string& from, const std::string& to) const override {
    if (::link(from.c_str(), to.c_str()) != 0)
      return ErrnoStatus(errno, Cat("cannot link ", from, " to ", to));
    return absl::OkStatus();
  }

  absl::Status Remove(const std::string& path) const override {
    if (std::remove(path.c_str()) == 0 || errno == ENOENT) return absl::OkStatus();
    return ErrnoStatus(errno, Cat("cannot remove ", path));
  }

  absl::Status SyncFolder(const std::string& folder) const override {
    const int descriptor = Retry([&] { return ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC); });
    if (descriptor < 0) return ErrnoStatus(errno, Cat("cannot open the folder ", folder));
    return SystemFile(descriptor, folder).Sync();
  }

  absl::StatusOr<SpaceInfo> Space(const std::string& folder) const override {
    struct statvfs info;
    if (Retry([&] { return ::statvfs(folder.c_str(), &info); }) != 0) {
      return ErrnoStatus(errno, Cat("cannot ask for the free space of ", folder));
    }
    const auto block_bytes = static_cast<int64_t>(info.f_frsize);
    return SpaceInfo{.free_bytes = static_cast<int64_t>(info.f_bavail) * block_bytes,
                     .total_bytes = static_cast<int64_t>(info.f_blocks) * block_bytes};
  }
};

std::string_view WithoutTrailingSlashes(std::string_view path) {
  while (path.size() > 1 && path.back() == '/') path.remove_suffix(1);
  return path;
}

}  // namespace

const FileSystem& SystemFiles() {
  static const SystemFileSystem* const files = new SystemFileSystem;
  return *files;
}

std::string JoinPath(std::string_view folder, std::string_view name) {
  if (folder.empty()) return std::string(name);
  if (folder.back() == '/') return Cat(folder, name);
  return Cat(folder, "/", name);
}

std::string ParentFolder(std::string_view path) {
  path = WithoutTrailingSlashes(path);
  const size_t slash = path.rfind('/');
  if (slash == std::string_view::npos) return ".";
  return std::string(slash == 0 ? "/" : WithoutTrailingSlashes(path.substr(0, slash)));
}

std::string BaseName(std::string_view path) {
  path = WithoutTrailingSlashes(path);
  if (path == "/") return "/";
  return std::string(path.substr(path.rfind('/') + 1));
}

}  // namespace interceptor
