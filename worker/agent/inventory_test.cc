#include "worker/agent/inventory.h"

#include "common/base/digest.h"
#include "common/base/status.h"
#include "common/io/atomic_file.h"
#include "tests/support/catch.h"
#include "tests/support/faulty_file_system.h"
#include "tests/support/raw_zip.h"
#include "tests/support/scratch_folder.h"

namespace interceptor::worker {
namespace {

std::string Zip(const std::string& contents = "") {
  return RawZip({{.name = "a.mp4", .bytes = "whatever the entry holds" + contents}});
}

struct Place {
  ScratchFolder folder;
  std::string data = folder.File("data");
  std::string work = folder.File("work");

  Place() {
    CATCH_REQUIRE(SystemFiles().MakeFolder(data).ok());
    CATCH_REQUIRE(SystemFiles().MakeFolder(work).ok());
  }
  void Write(const std::string& name, const std::string& bytes) {
    CATCH_REQUIRE(WriteFileAtomically(SystemFiles(), JoinPath(data, name), bytes).ok());
  }
};

bool Never() { return false; }

class TestClock : public Clock {
 public:
  MonotonicTime Now() const override { return now; }
  absl::Time WallTime() const override { return absl::UnixEpoch(); }
  MonotonicTime now;
};

// Zips that cannot be opened, though the tests' user may read everything.
class FailingFiles : public FaultyFileSystem {
 public:
  absl::StatusOr<std::unique_ptr<File>> Open(const std::string& path, OpenMode mode) const override {
    if (path.ends_with(".zip") && !fault.ok()) return fault;
    opened += path.ends_with(".zip") ? 1 : 0;
    return FaultyFileSystem::Open(path, mode);
  }
  absl::Status fault;
  mutable int opened = 0;
};

CATCH_TEST_CASE("a chunk is listed by size until it holds still and is hashed") {
  Place place;
  place.Write("00.zip", Zip());
  Inventory inventory(SystemFiles(), place.data, place.work);
  inventory.SetChunks({{"00", "00.zip"}, {"01", "01.zip"}});
  CATCH_CHECK_FALSE(inventory.Scan(Never));
  CATCH_REQUIRE(inventory.chunks().size() == 1);
  CATCH_CHECK(inventory.chunks().at("00") == ChunkFile{static_cast<int64_t>(Zip().size()), ""});
  CATCH_CHECK(inventory.Scan(Never));
  CATCH_CHECK(inventory.chunks().at("00").sha256 == DigestOf(Zip()).hex);
}

CATCH_TEST_CASE("a restart hashes nothing again; a changed file is hashed anew") {
  Place place;
  place.Write("00.zip", Zip());
  {
    Inventory inventory(SystemFiles(), place.data, place.work);
    inventory.SetChunks({{"00", "00.zip"}});
    inventory.Scan(Never);
    inventory.Scan(Never);
  }
  Inventory inventory(SystemFiles(), place.data, place.work);
  inventory.SetChunks({{"00", "00.zip"}});
  CATCH_CHECK_FALSE(inventory.Scan(Never));
  CATCH_CHECK(inventory.chunks().at("00").sha256 == DigestOf(Zip()).hex);

  place.Write("00.zip", Zip("other bytes"));
  inventory.Scan(Never);
  CATCH_CHECK(inventory.chunks().at("00").sha256.empty());
  inventory.Scan(Never);
  CATCH_CHECK(inventory.chunks().at("00").sha256 == DigestOf(Zip("other bytes")).hex);
}

// One chunk whose file is looked at again and again.
struct Looks {
  Place place;
  TestClock clock;
  FailingFiles files;
  Inventory inventory{files, place.data, place.work, clock};

  Looks() { inventory.SetChunks({{"00", "00.zip"}}); }
  const ChunkFile& Again(absl::Duration later = absl::Seconds(1)) {
    clock.now = clock.now + later;
    inventory.Scan(Never);
    return inventory.chunks().at("00");
  }
};

bool Has(const std::string& text, const std::string& words) { return text.find(words) != std::string::npos; }

CATCH_TEST_CASE("a zip that is cut short is read once, and needs a person once it holds still") {
  Looks looks;
  looks.place.Write("00.zip", Zip().substr(0, 40));
  CATCH_CHECK(looks.Again().problem.empty());
  CATCH_CHECK(Has(looks.Again().problem, "copy it again"));
  CATCH_CHECK_FALSE(looks.Again().needs_action);
  CATCH_CHECK(looks.Again(absl::Minutes(1)).needs_action);
  CATCH_CHECK(looks.files.opened == 1);
  CATCH_CHECK(looks.Again().sha256.empty());

  looks.place.Write("00.zip", Zip());
  CATCH_CHECK(Has(looks.Again().problem, "still being copied"));
  CATCH_CHECK_FALSE(looks.Again().needs_action);
  CATCH_CHECK(looks.Again() == ChunkFile{static_cast<int64_t>(Zip().size()), DigestOf(Zip()).hex});
}

CATCH_TEST_CASE("a zip that may not be read is taken as soon as it may") {
  Looks looks;
  looks.place.Write("00.zip", Zip());
  looks.files.fault = absl::PermissionDeniedError("cannot open 00.zip: Permission denied");
  looks.Again();
  CATCH_CHECK(looks.Again().problem ==
              "cannot open 00.zip: Permission denied; let the worker's user read it");
  CATCH_CHECK_FALSE(looks.inventory.Scan(Never));  // not at once again
  CATCH_CHECK(looks.Again(absl::Minutes(1)).needs_action);
  looks.files.fault = absl::OkStatus();
  CATCH_CHECK(looks.Again().sha256 == DigestOf(Zip()).hex);
}

CATCH_TEST_CASE("after an error of the disk a zip is read again some minutes later") {
  Looks looks;
  looks.place.Write("00.zip", Zip());
  looks.files.fault = Internal("cannot read 00.zip: Input/output error");
  looks.Again();
  CATCH_CHECK(Has(looks.Again().problem, "Input/output error; look at the disk"));
  looks.files.fault = absl::OkStatus();
  CATCH_CHECK(looks.Again().sha256.empty());
  CATCH_CHECK(looks.files.opened == 0);
  CATCH_CHECK(looks.Again(absl::Minutes(5)).sha256 == DigestOf(Zip()).hex);
}

CATCH_TEST_CASE("a zip that is made to deceive, and a folder in its place, are reported as plain text") {
  Looks looks;
  looks.place.Write("00.zip", RawZip({{.name = std::string("a\x1b\xff\0.mp4", 8), .bytes = "x"}}));
  looks.Again();
  CATCH_CHECK(Has(looks.Again().problem, "entry name 'a\\u001b\\ufffd...' has a control character"));

  Looks folder;
  CATCH_REQUIRE(SystemFiles().MakeFolder(JoinPath(folder.place.data, "00.zip")).ok());
  folder.Again();
  CATCH_CHECK(Has(folder.Again().problem, "Is a directory"));
}

CATCH_TEST_CASE("a bad zip does not hold up the others") {
  Place place;
  place.Write("00.zip", "no zip");
  place.Write("01.zip", Zip());
  Inventory inventory(SystemFiles(), place.data, place.work);
  inventory.SetChunks({{"00", "00.zip"}, {"01", "01.zip"}});
  inventory.Scan(Never);
  CATCH_CHECK(inventory.Scan(Never));
  CATCH_CHECK(inventory.chunks().at("01").sha256 == DigestOf(Zip()).hex);
}

}  // namespace
}  // namespace interceptor::worker
