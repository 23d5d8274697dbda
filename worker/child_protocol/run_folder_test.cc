#include "worker/child_protocol/run_folder.h"

#include <vector>

#include "common/base/status.h"
#include "common/io/atomic_file.h"
#include "tests/support/catch.h"
#include "tests/support/scratch_folder.h"

namespace interceptor::worker {
namespace {

void Write(const std::string& path) { CATCH_REQUIRE(WriteFileAtomically(SystemFiles(), path, "bytes").ok()); }

CATCH_TEST_CASE("what a killed trainer was writing is swept from every folder of its run") {
  const ScratchFolder folder;
  CATCH_REQUIRE(LockRunFolder(SystemFiles(), folder.path()).ok());
  std::vector<std::string> left;
  for (const char* name :
       {"recovery-a.safetensors", "checkpoints/BG-step-0000000001.safetensors", "scores/held_out-00.csv"}) {
    left.push_back(folder.File(Cat(name, ".tmp-", std::string(32, 'a'))));
    Write(left.back());
  }
  CATCH_REQUIRE(LockRunFolder(SystemFiles(), folder.path()).ok());
  for (const std::string& path : left) CATCH_CHECK_FALSE(SystemFiles().Exists(path));
}

CATCH_TEST_CASE("one trainer at a time holds a run's folder") {
  const ScratchFolder folder;
  const auto lock = LockRunFolder(SystemFiles(), folder.path());
  CATCH_REQUIRE(lock.ok());
  const absl::Status refused = LockRunFolder(SystemFiles(), folder.path()).status();
  CATCH_CHECK(absl::IsFailedPrecondition(refused));
  CATCH_CHECK(Message(refused).find(folder.path()) != std::string::npos);
}

CATCH_TEST_CASE("checkpoints are removed by age or because nobody knows them; snapshots and scores stay") {
  const ScratchFolder folder;
  CATCH_REQUIRE(LockRunFolder(SystemFiles(), folder.path()).ok());
  CATCH_CHECK_FALSE(NewestCheckpoint(SystemFiles(), folder.path()));
  std::vector<std::string> own;
  for (const int64_t step : {9, 10, 1'000'000'000}) {
    own.push_back(CheckpointPath(folder.path(), "BG", step));
    Write(own.back());
  }
  const std::string fetched = FetchedCheckpointPath(folder.path(), DigestOf("base"));
  const std::vector<std::string> kept = {SnapshotPath(folder.path(), 0), SnapshotPath(folder.path(), 1),
                                         ScoreTablePath(folder.path(), EvaluationKind::kHeldOut, "00"),
                                         LedgerPath(folder.path()), UnpublishedPath(folder.path())};
  Write(fetched);
  for (const std::string& path : kept) Write(path);
  CATCH_CHECK(NewestCheckpoint(SystemFiles(), folder.path()) == own[2]);

  RemoveAllButNewestCheckpoints(SystemFiles(), folder.path(), 2);
  CATCH_CHECK_FALSE(SystemFiles().Exists(own[0]));
  CATCH_CHECK(SystemFiles().Exists(own[1]));
  CATCH_CHECK(SystemFiles().Exists(fetched));

  RemoveUnknownCheckpoints(SystemFiles(), folder.path(), {own[1]});
  CATCH_CHECK(SystemFiles().Exists(own[1]));
  CATCH_CHECK_FALSE(SystemFiles().Exists(own[2]));
  CATCH_CHECK_FALSE(SystemFiles().Exists(fetched));
  for (const std::string& path : kept) CATCH_CHECK(SystemFiles().Exists(path));
}

CATCH_TEST_CASE("names in a run's folder stay as they are in folders of today") {
  CATCH_CHECK(CheckpointPath("r", "BG", 42) == "r/checkpoints/BG-step-0000000042.safetensors");
  CATCH_CHECK(FetchedCheckpointPath("r", {std::string(64, 'a'), 1}) == "r/base-aaaaaaaaaaaaaaaa.safetensors");
  CATCH_CHECK(SnapshotPath("r", 4) == "r/recovery-a.safetensors");
  CATCH_CHECK(SnapshotPath("r", 7) == "r/recovery-b.safetensors");
  CATCH_CHECK(ScoreTablePath("r", EvaluationKind::kHeldOut, "03") == "r/scores/held_out-03.csv");
  CATCH_CHECK(ScoreTablePath("r", EvaluationKind::kLookAhead, "03") == "r/scores/look_ahead-03.csv");
  CATCH_CHECK(ValidationTablePath("r", "03", 500, {std::string(64, 'a'), 1}) ==
              "r/scores/validation-03-step-0000000500-aaaaaaaaaaaaaaaa.csv");
  CATCH_CHECK(LedgerPath("r") == "r/ledger.csv");
  CATCH_CHECK(UnpublishedPath("r") == "r/unpublished.json");
}

}  // namespace
}  // namespace interceptor::worker
