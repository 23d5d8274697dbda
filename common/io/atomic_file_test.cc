#include "common/io/atomic_file.h"

#include "common/base/status.h"
#include "tests/support/catch.h"
#include "tests/support/faulty_file_system.h"
#include "tests/support/scratch_folder.h"

namespace interceptor {
namespace {

std::string MustRead(const std::string& path) {
  absl::StatusOr<std::string> bytes = ReadWholeFile(SystemFiles(), path);
  CATCH_REQUIRE(bytes.ok());
  return *std::move(bytes);
}

CATCH_TEST_CASE("a file is written, replaced and read whole") {
  const ScratchFolder scratch;
  const std::string path = scratch.File("a");
  CATCH_CHECK(absl::IsNotFound(ReadWholeFile(SystemFiles(), path).status()));
  for (const std::string& bytes : {std::string("first"), std::string(100'000, 'x'), std::string()}) {
    CATCH_REQUIRE(WriteFileAtomically(SystemFiles(), path, bytes).ok());
    CATCH_CHECK(MustRead(path) == bytes);
  }
  CATCH_CHECK(*SystemFiles().List(scratch.path()) == std::vector<std::string>{"a"});
}

CATCH_TEST_CASE("a file over the limit is refused, not cut") {
  const ScratchFolder scratch;
  CATCH_REQUIRE(WriteFileAtomically(SystemFiles(), scratch.File("a"), "12345").ok());
  CATCH_CHECK(*ReadWholeFile(SystemFiles(), scratch.File("a"), 5) == "12345");
  CATCH_CHECK(absl::IsResourceExhausted(ReadWholeFile(SystemFiles(), scratch.File("a"), 4).status()));
}

CATCH_TEST_CASE("the digest of a file read in parts is the digest of its bytes") {
  const ScratchFolder scratch;
  const std::string bytes = std::string(1 << 20, 'a') + "tail";
  CATCH_REQUIRE(WriteFileAtomically(SystemFiles(), scratch.File("a"), bytes).ok());
  CATCH_CHECK(*DigestOfFile(SystemFiles(), scratch.File("a")) == DigestOf(bytes));
  CATCH_CHECK(absl::IsNotFound(DigestOfFile(SystemFiles(), scratch.File("b")).status()));
}

enum class Disk { kFailsOnce, kStaysBroken };

void FailEveryCallInTurn(Disk disk, const absl::Status& fault) {
  const std::string old_bytes = "old bytes, whole";
  const std::string new_bytes = "new bytes, which are longer than the old ones";
  int64_t failures_before_rename = 0;
  for (int64_t nth = 1;; ++nth) {
    CATCH_REQUIRE(nth < 100);
    const ScratchFolder scratch;
    const std::string path = scratch.File("a");
    CATCH_REQUIRE(WriteFileAtomically(SystemFiles(), path, old_bytes).ok());

    FaultyFileSystem files;
    if (disk == Disk::kFailsOnce) files.FailCall(nth, fault);
    if (disk == Disk::kStaysBroken) files.FailFromCall(nth, fault);
    const absl::Status status = WriteFileAtomically(files, path, new_bytes);
    if (status.ok()) {
      CATCH_CHECK(MustRead(path) == new_bytes);
      break;
    }
    CATCH_CHECK(status == fault);
    if (MustRead(path) == old_bytes) {
      ++failures_before_rename;
    } else {
      // Only the sync of the folder comes after the rename.
      CATCH_CHECK(MustRead(path) == new_bytes);
      CATCH_CHECK(files.mutating_calls() == 5);
    }
    if (disk == Disk::kFailsOnce) CATCH_CHECK(SystemFiles().List(scratch.path())->size() == 1);

    files.Heal();
    CATCH_CHECK(RemoveTemporaries(files, scratch.path()).ok());
    CATCH_CHECK(*files.List(scratch.path()) == std::vector<std::string>{"a"});
    CATCH_CHECK(WriteFileAtomically(files, path, new_bytes).ok());
    CATCH_CHECK(MustRead(path) == new_bytes);
  }
  CATCH_CHECK(failures_before_rename == 4);  // open, write, sync, rename
}

// Goal: whatever call of a write fails, a reader sees the old bytes whole or the new bytes whole, the writer
// is told, and the next write works. Method: fail each mutating call in turn, once alone and once with all
// that follow, until a write meets no fault.
CATCH_TEST_CASE("whichever call fails, no reader sees a mixture") {
  for (const Disk disk : {Disk::kFailsOnce, Disk::kStaysBroken}) {
    FailEveryCallInTurn(disk, ResourceExhausted("no space left"));
    FailEveryCallInTurn(disk, Internal("input/output error"));
  }
}

CATCH_TEST_CASE("nothing is visible before the commit, and nothing stays without one") {
  const ScratchFolder scratch;
  const std::string path = scratch.File("a");
  {
    auto writer = AtomicFileWriter::Create(SystemFiles(), path);
    CATCH_REQUIRE(writer.ok());
    CATCH_REQUIRE((*writer)->Append("0123").ok());
    CATCH_CHECK_FALSE(SystemFiles().Exists(path));
    CATCH_CHECK(SystemFiles().List(scratch.path())->size() == 1);
  }
  CATCH_CHECK(SystemFiles().List(scratch.path())->empty());
}

CATCH_TEST_CASE("a writer appends, overwrites what it appended, and ends with its commit") {
  const ScratchFolder scratch;
  const std::string path = scratch.File("a");
  auto created = AtomicFileWriter::Create(SystemFiles(), path);
  CATCH_REQUIRE(created.ok());
  AtomicFileWriter& writer = **created;
  CATCH_REQUIRE(writer.Append("....abc").ok());
  CATCH_REQUIRE(writer.Append("def").ok());
  CATCH_CHECK(writer.size_bytes() == 10);
  CATCH_CHECK(writer.WriteAt(0, "1234").ok());
  CATCH_CHECK(absl::IsInvalidArgument(writer.WriteAt(8, "xyz")));
  CATCH_CHECK(absl::IsInvalidArgument(writer.WriteAt(-1, "x")));
  CATCH_REQUIRE(writer.Commit().ok());
  CATCH_CHECK(MustRead(path) == "1234abcdef");
  CATCH_CHECK(absl::IsFailedPrecondition(writer.Append("more")));
  CATCH_CHECK(absl::IsFailedPrecondition(writer.Commit()));
}

CATCH_TEST_CASE("after a failed write or sync a writer refuses to commit") {
  const ScratchFolder scratch;
  FaultyFileSystem files;
  auto writer = AtomicFileWriter::Create(files, scratch.File("a"));
  CATCH_REQUIRE(writer.ok());
  files.FailCall(1, ResourceExhausted("no space left"));
  CATCH_CHECK(absl::IsResourceExhausted((*writer)->Append("abc")));
  CATCH_CHECK(absl::IsFailedPrecondition((*writer)->Commit()));

  writer = AtomicFileWriter::Create(files, scratch.File("a"));
  CATCH_REQUIRE(writer.ok());
  CATCH_REQUIRE((*writer)->Append("abc").ok());
  files.FailCall(1, Internal("input/output error"));
  CATCH_CHECK(absl::IsInternal((*writer)->Commit()));
  CATCH_CHECK(absl::IsFailedPrecondition((*writer)->Commit()));
  CATCH_CHECK_FALSE(SystemFiles().Exists(scratch.File("a")));
}

CATCH_TEST_CASE("only temporaries are swept") {
  const ScratchFolder scratch;
  const std::string id = "0123456789abcdef0123456789abcdef";
  for (const std::string& name : std::vector<std::string>{
           "a", "a.tmp-1", "a.tmp-notes", ".tmp-" + id.substr(1), "a.tmp-" + id, "a.tmp-b.tmp-" + id}) {
    CATCH_REQUIRE(SystemFiles().Open(scratch.File(name), OpenMode::kCreateNew).ok());
  }
  CATCH_REQUIRE(RemoveTemporaries(SystemFiles(), scratch.path()).ok());
  CATCH_CHECK(*SystemFiles().List(scratch.path()) ==
              std::vector<std::string>{".tmp-" + id.substr(1), "a", "a.tmp-1", "a.tmp-notes"});
}

}  // namespace
}  // namespace interceptor
