#include "worker/agent/store_keeper.h"

#include "common/base/status.h"
#include "common/io/atomic_file.h"
#include "tests/support/catch.h"
#include "tests/support/scratch_folder.h"

namespace interceptor::worker {
namespace {

constexpr char kManifest[] =
    "{\"chunk\":\"00\",\"chunk_sha256\":\"zip\",\"clips\":2,\"families\":1,\"folds\":3,\"quarantined\":1,"
    "\"version\":1}\n"
    "{\"clip\":\"a.mp4\"}\n";
constexpr char kSecondVersion[] =
    "{\"chunk\":\"00\",\"chunk_sha256\":\"zip\",\"clips\":2,\"families\":1,\"folds\":3,\"left_held_out\":[],"
    "\"linked\":{},\"mood\":\"good\",\"quarantined\":1,\"scanned\":{},\"version\":2,\"view_bytes\":{"
    "\"burst\":9}}\n"
    "{\"clip\":\"a.mp4\"}\n";

struct Store {
  ScratchFolder folder;

  Store() {
    for (const char* name : {"prepared.json", "keep.clips", "train.clips"}) Write(name, "bytes");
    Write("manifest.jsonl", kManifest);
  }
  std::string Path(const std::string& name) const { return folder.File(Cat("00/", name)); }
  void Write(const std::string& name, const std::string& bytes) {
    CATCH_REQUIRE(SystemFiles().MakeFolder(folder.File("00")).ok());
    CATCH_REQUIRE(WriteFileAtomically(SystemFiles(), Path(name), bytes).ok());
  }
};

CATCH_TEST_CASE("a chunk is in the store when it was finished; its clips count when they were checked") {
  Store store;
  StoreKeeper keeper(SystemFiles(), store.folder.path(), "box");
  const auto found = keeper.Look("00");
  CATCH_REQUIRE(found.ok());
  CATCH_CHECK(found->manifest.blob == DigestOf(kManifest));
  CATCH_CHECK(found->manifest.clips == 2);
  CATCH_CHECK(found->manifest.quarantined == 1);
  CATCH_CHECK_FALSE(found->has_train);
  keeper.Trust("00");
  CATCH_CHECK(keeper.Look("00")->has_train);
  CATCH_CHECK(keeper.LookAtAll({"00", "01"}).size() == 1);
  store.Write("manifest.jsonl", kSecondVersion);
  CATCH_CHECK(keeper.Look("00")->manifest.families == 1);
  CATCH_CHECK(keeper.Look("00")->manifest.view_bytes.at("burst") == 9);
  CATCH_REQUIRE(SystemFiles().Remove(store.Path("prepared.json")).ok());
  CATCH_CHECK(absl::IsNotFound(keeper.Look("00").status()));
}

CATCH_TEST_CASE("train.clips goes with the last run that needs it, of whatever worker; keep.clips stays") {
  Store store;
  StoreKeeper one(SystemFiles(), store.folder.path(), "box1");
  StoreKeeper two(SystemFiles(), store.folder.path(), "box2");
  CATCH_REQUIRE(one.Refer("00", "BG").ok());
  CATCH_REQUIRE(one.Refer("00", "AV").ok());
  CATCH_REQUIRE(two.Refer("00", "CM").ok());
  CATCH_REQUIRE(one.Release("00", "BG").ok());
  CATCH_REQUIRE(two.Release("00", "CM").ok());
  CATCH_CHECK(SystemFiles().Exists(store.Path("train.clips")));
  // A run that never referred to the chunk takes nothing from those who do.
  CATCH_REQUIRE(two.Release("00", "CM").ok());
  CATCH_CHECK(SystemFiles().Exists(store.Path("train.clips")));
  CATCH_REQUIRE(one.Release("00", "AV").ok());
  CATCH_CHECK_FALSE(SystemFiles().Exists(store.Path("train.clips")));
  CATCH_CHECK(SystemFiles().Exists(store.Path("keep.clips")));
  CATCH_CHECK(one.Look("00").ok());
}

CATCH_TEST_CASE("a release that was cut off before it removed the clips is done again") {
  Store store;
  StoreKeeper keeper(SystemFiles(), store.folder.path(), "box");
  CATCH_REQUIRE(keeper.Release("00", "BG").ok());
  CATCH_CHECK(SystemFiles().Exists(store.Path("train.clips")));  // nobody ever referred to it
  CATCH_REQUIRE(keeper.Refer("00", "BG").ok());
  CATCH_REQUIRE(SystemFiles().Remove(store.folder.File("refs/00/box-BG")).ok());
  CATCH_REQUIRE(keeper.Release("00", "BG").ok());
  CATCH_CHECK_FALSE(SystemFiles().Exists(store.Path("train.clips")));
}

}  // namespace
}  // namespace interceptor::worker
