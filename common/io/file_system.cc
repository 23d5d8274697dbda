#include "common/io/file_system.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <filesystem>
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

// OK for a system call that returned 0, else what errno says of it.
absl::Status Outcome(int result, std::string_view what) {
  return result == 0 ? absl::OkStatus() : ErrnoStatus(errno, what);
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
    const int result = Retry([&] { return ::ftruncate(descriptor_, size); });
    return Outcome(result, Cat("cannot cut ", path_, " to ", size, " bytes"));
  }

  absl::Status Sync() override {
    return Outcome(Retry([&] { return ::fsync(descriptor_); }), Cat("cannot sync ", path_));
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

// By OpenMode. A FIFO without a writer must not hold a reader up.
constexpr int kOpenFlags[] = {O_RDONLY | O_NONBLOCK, O_RDWR | O_CREAT, O_RDWR | O_CREAT | O_EXCL};

class SystemFileSystem : public FileSystem {
 public:
  absl::StatusOr<std::unique_ptr<File>> Open(const std::string& path, OpenMode mode) const override {
    const int descriptor =
        Retry([&] { return ::open(path.c_str(), kOpenFlags[static_cast<size_t>(mode)] | O_CLOEXEC, 0644); });
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
    std::vector<std::string> names;
    std::error_code error;
    for (std::filesystem::directory_iterator at(folder, error), end; !error && at != end;
         at.increment(error)) {
      names.push_back(at->path().filename().string());
    }
    if (error) return ErrnoStatus(error.value(), Cat("cannot list ", folder));
    std::ranges::sort(names);
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
    return Outcome(::rename(from.c_str(), to.c_str()), Cat("cannot rename ", from, " to ", to));
  }

  absl::Status Link(const std::string& from, const std::string& to) const override {
    return Outcome(::link(from.c_str(), to.c_str()), Cat("cannot link ", from, " to ", to));
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
    std::error_code error;
    const std::filesystem::space_info space = std::filesystem::space(folder, error);
    if (error) return ErrnoStatus(error.value(), Cat("cannot ask for the free space of ", folder));
    return SpaceInfo{.free_bytes = static_cast<int64_t>(space.available),
                     .total_bytes = static_cast<int64_t>(space.capacity)};
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

std::string OwnFolder() {
  std::error_code error;
  const std::filesystem::path program = std::filesystem::read_symlink("/proc/self/exe", error);
  return error ? "." : program.parent_path().string();
}

}  // namespace interceptor
