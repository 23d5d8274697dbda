#include "common/io/file_system.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/catch.h"
#include "tests/support/scratch_folder.h"

namespace interceptor {
namespace {

std::unique_ptr<File> MustOpen(const std::string& path, OpenMode mode) {
  absl::StatusOr<std::unique_ptr<File>> file = SystemFiles().Open(path, mode);
  CATCH_REQUIRE(file.ok());
  return *std::move(file);
}

CATCH_TEST_CASE("bytes come back from where they were written") {
  const ScratchFolder scratch;
  const auto file = MustOpen(scratch.File("a"), OpenMode::kReadWrite);
  CATCH_REQUIRE(file->WriteAt(0, "hello world").ok());
  CATCH_REQUIRE(file->WriteAt(6, "there").ok());
  CATCH_REQUIRE(file->Sync().ok());
  CATCH_CHECK(*file->Size() == 11);
  CATCH_CHECK(*file->ReadAt(0, 11) == "hello there");
  CATCH_CHECK(*file->ReadAt(6, 3) == "the");
  CATCH_CHECK(*file->ReadAt(6, 1000) == "there");
  CATCH_CHECK(*file->ReadAt(6, INT64_MAX) == "there");
  CATCH_CHECK(*file->ReadAt(11, 5) == "");
  CATCH_CHECK(*file->ReadAt(500, 5) == "");
  CATCH_CHECK(*file->ReadAt(0, 0) == "");
  CATCH_CHECK(absl::IsInvalidArgument(file->ReadAt(-1, 5).status()));
  CATCH_REQUIRE(file->Truncate(5).ok());
  CATCH_CHECK(*file->ReadAt(0, 11) == "hello");
}

CATCH_TEST_CASE("a write past the end leaves zeros between") {
  const ScratchFolder scratch;
  const auto file = MustOpen(scratch.File("a"), OpenMode::kReadWrite);
  CATCH_REQUIRE(file->WriteAt(3, "x").ok());
  CATCH_CHECK(*file->ReadAt(0, 10) == std::string("\0\0\0x", 4));
}

CATCH_TEST_CASE("a file that reports no size is read to its end") {
  const auto file = MustOpen("/proc/self/status", OpenMode::kRead);
  CATCH_CHECK(file->ReadAt(0, 1 << 20)->find("Name:") == 0);
  CATCH_CHECK(*file->ReadAt(0, 5) == "Name:");
}

CATCH_TEST_CASE("each way of opening keeps its promise about files that are there or absent") {
  const ScratchFolder scratch;
  const std::string path = scratch.File("a");
  CATCH_CHECK(absl::IsNotFound(SystemFiles().Open(path, OpenMode::kRead).status()));
  CATCH_CHECK_FALSE(SystemFiles().Exists(path));
  CATCH_CHECK(SystemFiles().Open(path, OpenMode::kCreateNew).ok());
  CATCH_CHECK(SystemFiles().Exists(path));
  CATCH_CHECK(absl::IsAlreadyExists(SystemFiles().Open(path, OpenMode::kCreateNew).status()));
  const auto first = MustOpen(path, OpenMode::kReadWrite);
  CATCH_REQUIRE(first->WriteAt(0, "kept").ok());
  CATCH_CHECK(*MustOpen(path, OpenMode::kReadWrite)->ReadAt(0, 10) == "kept");
  CATCH_CHECK_FALSE(MustOpen(path, OpenMode::kRead)->WriteAt(0, "x").ok());
}

CATCH_TEST_CASE("an open file is not inherited by a program that is started") {
  const ScratchFolder scratch;
  const int lowest_free = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  CATCH_REQUIRE(lowest_free >= 0);
  ::close(lowest_free);
  const auto file = MustOpen(scratch.File("a"), OpenMode::kReadWrite);
  CATCH_CHECK((::fcntl(lowest_free, F_GETFD) & FD_CLOEXEC) != 0);
}

CATCH_TEST_CASE("a lock excludes other open files until its holder is gone") {
  const ScratchFolder scratch;
  auto holder = MustOpen(scratch.File("lock"), OpenMode::kReadWrite);
  const auto other = MustOpen(scratch.File("lock"), OpenMode::kReadWrite);
  CATCH_CHECK(holder->Lock().ok());
  CATCH_CHECK(holder->Lock().ok());
  const absl::Status refused = other->Lock();
  CATCH_CHECK(absl::IsFailedPrecondition(refused));
  CATCH_CHECK(refused.ToString().find(scratch.File("lock")) != std::string::npos);
  holder.reset();
  CATCH_CHECK(other->Lock().ok());
}

CATCH_TEST_CASE("a lock ends with the process that held it") {
  const ScratchFolder scratch;
  const pid_t child = ::fork();
  if (child == 0) {
    auto file = SystemFiles().Open(scratch.File("lock"), OpenMode::kReadWrite);
    ::_exit(file.ok() && (*file)->Lock().ok() ? 0 : 1);  // no destructor runs, as after a kill
  }
  CATCH_REQUIRE(child > 0);
  int result = -1;
  CATCH_REQUIRE(::waitpid(child, &result, 0) == child);
  CATCH_REQUIRE(result == 0);
  CATCH_CHECK(MustOpen(scratch.File("lock"), OpenMode::kReadWrite)->Lock().ok());
}

CATCH_TEST_CASE("folders are made with their parents and listed in order") {
  const ScratchFolder scratch;
  const std::string deep = scratch.File("a/b//c/");
  CATCH_CHECK(SystemFiles().MakeFolder(deep).ok());
  CATCH_CHECK(SystemFiles().MakeFolder(deep).ok());
  CATCH_CHECK(SystemFiles().Stat(scratch.File("a/b/c"))->is_directory);
  for (const char* name : {"z", "B", "10", "9"}) MustOpen(scratch.File(name), OpenMode::kCreateNew);
  CATCH_CHECK(*SystemFiles().List(scratch.path()) == std::vector<std::string>{"10", "9", "B", "a", "z"});
  CATCH_CHECK(absl::IsNotFound(SystemFiles().List(scratch.File("none")).status()));
  CATCH_CHECK(absl::IsAlreadyExists(SystemFiles().MakeFolder(scratch.File("z"))));
  CATCH_CHECK_FALSE(SystemFiles().MakeFolder(scratch.File("z/below")).ok());
  CATCH_CHECK(SystemFiles().SyncFolder(deep).ok());
  CATCH_CHECK(absl::IsNotFound(SystemFiles().SyncFolder(scratch.File("none"))));
}

CATCH_TEST_CASE("a rename replaces the target; a removal may be repeated") {
  const ScratchFolder scratch;
  CATCH_REQUIRE(MustOpen(scratch.File("new"), OpenMode::kCreateNew)->WriteAt(0, "new bytes").ok());
  CATCH_REQUIRE(MustOpen(scratch.File("old"), OpenMode::kCreateNew)->WriteAt(0, "old").ok());
  const uint64_t inode = SystemFiles().Stat(scratch.File("new"))->inode;
  CATCH_REQUIRE(SystemFiles().Rename(scratch.File("new"), scratch.File("old")).ok());
  CATCH_CHECK(SystemFiles().Stat(scratch.File("old"))->inode == inode);
  CATCH_CHECK(SystemFiles().Stat(scratch.File("old"))->size_bytes == 9);
  CATCH_CHECK(absl::IsNotFound(SystemFiles().Rename(scratch.File("new"), scratch.File("old"))));
  CATCH_CHECK(SystemFiles().Remove(scratch.File("old")).ok());
  CATCH_CHECK(SystemFiles().Remove(scratch.File("old")).ok());
  CATCH_CHECK(SystemFiles().List(scratch.path())->empty());
}

CATCH_TEST_CASE("free space is told, and never exceeds the whole") {
  const ScratchFolder scratch;
  const auto space = SystemFiles().Space(scratch.path());
  CATCH_REQUIRE(space.ok());
  CATCH_CHECK(space->total_bytes > 0);
  CATCH_CHECK(space->free_bytes >= 0);
  CATCH_CHECK(space->free_bytes <= space->total_bytes);
  CATCH_CHECK(absl::IsNotFound(SystemFiles().Space(scratch.File("none")).status()));
}

CATCH_TEST_CASE("paths are joined and split at slashes") {
  CATCH_CHECK(JoinPath("a", "b") == "a/b");
  CATCH_CHECK(JoinPath("a/", "b") == "a/b");
  CATCH_CHECK(JoinPath("", "b") == "b");
  CATCH_CHECK(JoinPath("/", "b") == "/b");
  CATCH_CHECK(ParentFolder("/a/b") == "/a");
  CATCH_CHECK(ParentFolder("/a/b//") == "/a");
  CATCH_CHECK(ParentFolder("a//b") == "a");
  CATCH_CHECK(ParentFolder("/a") == "/");
  CATCH_CHECK(ParentFolder("a") == ".");
  CATCH_CHECK(BaseName("/a/b") == "b");
  CATCH_CHECK(BaseName("/a/b/") == "b");
  CATCH_CHECK(BaseName("b") == "b");
}

}  // namespace
}  // namespace interceptor
