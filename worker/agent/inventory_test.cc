#include "worker/agent/inventory.h"

#include "common/base/digest.h"
#include "common/base/status.h"
#include "common/io/atomic_file.h"
#include "tests/support/catch.h"
#include "tests/support/scratch_folder.h"

namespace interceptor::worker {
namespace {

std::string Little(uint32_t value, int bytes) {
  std::string text;
  for (int i = 0; i < bytes; ++i) text.push_back(static_cast<char>(value >> (8 * i)));
  return text;
}

// A zip of one stored entry, written by hand; the reader under test looks at its end alone.
std::string Zip(const std::string& comment = "") {
  const std::string entry = "PK\3\4 whatever the entry holds";
  const std::string directory = "PK\1\2" + std::string(43, '\0');
  std::string end("PK\5\6\0\0\0\0", 8);
  end += Little(1, 2) + Little(1, 2) + Little(static_cast<uint32_t>(directory.size()), 4);
  end += Little(static_cast<uint32_t>(entry.size()), 4) + Little(static_cast<uint32_t>(comment.size()), 2);
  return entry + directory + end + comment;
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
  bool IsWhole(const std::string& bytes) {
    Write("x", bytes);
    return HasCentralDirectory(**SystemFiles().Open(JoinPath(data, "x"), OpenMode::kRead));
  }
};

bool Never() { return false; }

CATCH_TEST_CASE("a zip is whole when its end points at a central directory") {
  Place place;
  CATCH_CHECK(place.IsWhole(Zip()));
  CATCH_CHECK(place.IsWhole(Zip("a comment")));
  CATCH_CHECK_FALSE(place.IsWhole(""));
  CATCH_CHECK_FALSE(place.IsWhole("no zip at all, but long enough to be one"));
  const std::string zip = Zip("a comment");
  for (size_t bytes = 0; bytes < zip.size(); ++bytes) {
    CATCH_INFO("cut to " << bytes);
    CATCH_CHECK_FALSE(place.IsWhole(zip.substr(0, bytes)));
  }
}

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

CATCH_TEST_CASE("a truncated zip stays listed by size until it changes") {
  Place place;
  place.Write("00.zip", Zip().substr(0, 40));
  Inventory inventory(SystemFiles(), place.data, place.work);
  inventory.SetChunks({{"00", "00.zip"}});
  inventory.Scan(Never);
  inventory.Scan(Never);
  CATCH_CHECK_FALSE(inventory.Scan(Never));
  CATCH_CHECK(inventory.chunks().at("00").sha256.empty());
  place.Write("00.zip", Zip());
  inventory.Scan(Never);
  inventory.Scan(Never);
  CATCH_CHECK_FALSE(inventory.chunks().at("00").sha256.empty());
}

}  // namespace
}  // namespace interceptor::worker
