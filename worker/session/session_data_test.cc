// Chunks on their way to training: zips, stores, manifests.

#include "tests/support/session_driver.h"

namespace interceptor::worker {
namespace {

CATCH_TEST_CASE("a chunk that has not arrived whole is waited for, visibly, and prepared when it has") {
  SessionDriver driver;
  driver.Connect();
  driver.Assign("BG");
  CATCH_CHECK(PhaseReported(driver.last, "train/BG") == Phase::kWaitingForData);
  driver.Give(ChunkFilesSeen{{{"00", {100, ""}}}});
  CATCH_CHECK(driver.Since<StartPreparer>().empty());
  CATCH_CHECK(driver.Got<SendChunkFiles>().size() == 1);
  driver.Give(ChunkFilesSeen{{{"00", {100, DigestOf("00").hex}}}});
  CATCH_REQUIRE(driver.Got<StartPreparer>().size() == 1);
  CATCH_CHECK(driver.Got<StartPreparer>()[0].chunk == "00");
  CATCH_CHECK(PhaseReported(driver.last, "train/BG") == Phase::kPreparing);
}

CATCH_TEST_CASE("training begins when the manifest is in the vault, proposed and committed") {
  SessionDriver driver;
  driver.Connect();
  driver.SeeAllFiles();
  driver.Assign("BG");
  const ChildId preparer = driver.Since<StartPreparer>()[0].child;
  driver.Give(ManifestBuilt{preparer, Stored("00")});
  CATCH_REQUIRE(driver.Got<UploadBlob>().size() == 1);
  CATCH_CHECK(driver.Got<UploadBlob>()[0].path == "store/00/manifest.jsonl");
  driver.Give(ChildExited{preparer, true, "left with exit code 0"});
  driver.Give(BlobUploaded{ManifestDigest("00"), absl::OkStatus()});
  CATCH_REQUIRE(driver.Got<SendPublication>().size() == 1);
  CATCH_CHECK(std::get<DataManifest>(driver.Got<SendPublication>()[0].body) == ManifestOf("00"));
  CATCH_CHECK(driver.Since<StartTrainer>().empty());
  driver.Give(Answered{driver.Got<SendPublication>()[0].request_id, absl::OkStatus()});
  CATCH_REQUIRE(driver.Got<StartTrainer>().size() == 1);
  CATCH_CHECK(driver.Got<StartTrainer>()[0].resume_path.empty());
  driver.Ready("BG", 0);
  CATCH_REQUIRE(driver.Got<GiveChunk>().size() == 1);
  CATCH_CHECK(driver.Got<GiveChunk>()[0].manifest_sha256 == ManifestDigest("00").hex);
  CATCH_CHECK_FALSE(driver.Got<GiveChunk>()[0].last);
}

CATCH_TEST_CASE("a manifest that somebody else committed first is not proposed again") {
  SessionDriver driver;
  driver.Connect({"00"});
  driver.SeeAllFiles();
  driver.Assign("BG");
  driver.Give(ManifestBuilt{driver.Since<StartPreparer>()[0].child, Stored("00")});
  CATCH_CHECK(driver.Since<UploadBlob>().empty());
  CATCH_CHECK(driver.Got<StartTrainer>().size() == 1);
}

CATCH_TEST_CASE("a manifest that differs from the committed one pauses the run and names both digests") {
  SessionDriver driver;
  driver.Connect({"00"});
  driver.SeeAllFiles();
  driver.Assign("BG");
  StoredChunk other = Stored("00");
  other.manifest.blob = DigestOf("other labels");
  driver.Give(ManifestBuilt{driver.Since<StartPreparer>()[0].child, other});
  CATCH_REQUIRE(driver.Got<ExplainManifest>().size() == 1);
  CATCH_CHECK(driver.Got<ExplainManifest>()[0].committed == ManifestDigest("00"));
  const auto failures = Failures(driver.AnswerAll());
  CATCH_REQUIRE(failures.size() == 1);
  CATCH_CHECK_FALSE(failures[0].retryable);
  CATCH_CHECK(failures[0].text.find(ManifestDigest("00").hex) != std::string::npos);
  CATCH_CHECK(failures[0].text.find(DigestOf("other labels").hex) != std::string::npos);
  CATCH_CHECK(driver.Since<StartTrainer>().empty());
}

CATCH_TEST_CASE("a zip with other bytes than the plan's pauses the run before any work") {
  SessionDriver driver;
  driver.plan.chunks = {"00", "01", "02", "03"};
  driver.Give(Connected{});
  driver.Give(
      Welcomed{.plan = driver.plan, .manifests = {}, .chunk_sha256 = {{"00", DigestOf("right").hex}}});
  driver.Give(ChunkFilesSeen{{{"00", {100, DigestOf("wrong").hex}}}});
  driver.Assign("BG");
  const auto failures = Failures(driver.AnswerAll());
  CATCH_REQUIRE(failures.size() == 1);
  CATCH_CHECK_FALSE(failures[0].retryable);
  CATCH_CHECK(failures[0].text.find(DigestOf("right").hex) != std::string::npos);
  CATCH_CHECK(driver.Since<StartPreparer>().empty());
}

CATCH_TEST_CASE("the next chunk is prepared while this one trains, and no further") {
  SessionDriver driver;
  driver.Connect({"00", "01", "02"});
  driver.SeeAllFiles();
  driver.Assign("BG");
  for (const std::string chunk : {"00", "01"}) {
    CATCH_REQUIRE(driver.Since<StartPreparer>().back().chunk == chunk);
    const ChildId child = driver.Since<StartPreparer>().back().child;
    driver.Give(ManifestBuilt{child, Stored(chunk)});
    driver.Give(ChildExited{child, true, "left with exit code 0"});
  }
  CATCH_CHECK(driver.Since<StartPreparer>().size() == 2);
  const ChildId trainer = driver.Ready("BG", 0);
  driver.TrainChunk(trainer, "BG", 0);
  CATCH_CHECK(driver.Since<StartPreparer>().back().chunk == "02");
}

CATCH_TEST_CASE("bad labels in the next chunk stop a run when it gets there, not before") {
  SessionDriver driver;
  driver.Connect({"00"});
  driver.SeeAllFiles();
  driver.Assign("BG");
  const ChildId first = driver.Since<StartPreparer>().back().child;
  driver.Give(ManifestBuilt{first, Stored("00")});
  driver.Give(ChildExited{first, true, "left with exit code 0"});
  const ChildId second = driver.Since<StartPreparer>().back().child;
  CATCH_REQUIRE(second != first);
  const ChildId trainer = driver.Ready("BG", 0);
  driver.Give(ChildFailed{second, {absl::StatusCode::kInvalidArgument, "01.zip holds one class", false}});
  driver.Give(ChildExited{second, false, "left with exit code 1"});
  CATCH_CHECK(Failures(driver.AnswerAll()).empty());
  driver.TrainChunk(trainer, "BG", 0);
  const auto failures = Failures(driver.AnswerAll());
  CATCH_REQUIRE(failures.size() == 1);
  CATCH_CHECK(failures[0].text.find("one class") != std::string::npos);
  CATCH_CHECK_FALSE(failures[0].retryable);
}

CATCH_TEST_CASE("a run that starts in the middle prepares the kept clips of earlier chunks first") {
  SessionDriver driver;
  driver.Connect({"00", "01", "02"});
  driver.SeeAllFiles();
  driver.Assign("BG", 3, 2, CheckpointAt("BG", 20));
  std::vector<std::string> order;
  for (int i = 0; i < 3; ++i) {
    const StartPreparer start = driver.Since<StartPreparer>().back();
    order.push_back(start.chunk);
    driver.Give(ManifestBuilt{start.child, Stored(start.chunk)});
    driver.Give(ChildExited{start.child, true, "left with exit code 0"});
  }
  CATCH_CHECK(order == std::vector<std::string>{"00", "01", "02"});
  driver.Give(BlobFetched{CheckpointAt("BG", 20).blob, absl::OkStatus(), "base"});
  CATCH_CHECK(driver.Got<StartTrainer>().size() == 1);
}

CATCH_TEST_CASE("a chunk is prepared when those before it are, because it is compared with them") {
  SessionDriver driver;
  driver.Connect();
  driver.Give(ChunkFilesSeen{{{"01", {100, DigestOf("01").hex}}}});
  driver.Assign("BG");
  CATCH_CHECK(driver.Since<StartPreparer>().empty());
  driver.SeeAllFiles();
  CATCH_REQUIRE(driver.Since<StartPreparer>().size() == 1);
  CATCH_CHECK(driver.Since<StartPreparer>()[0].chunk == "00");
}

CATCH_TEST_CASE("manifests are proposed in the plan's order, because each rests on those before it") {
  SessionDriver driver;
  driver.Connect();
  driver.Give(StoreSeen{{{"01", Stored("01")}}});
  driver.Assign("BG");
  CATCH_CHECK(driver.Since<UploadBlob>().empty());
  driver.Give(ManifestCommitted{ManifestOf("00")});
  CATCH_CHECK(driver.Since<UploadBlob>().size() == 1);
}

CATCH_TEST_CASE("a manifest that the coordinator has lost is proposed again before its chunk is trained") {
  SessionDriver driver;
  driver.Connect();
  driver.SeeAllFiles();
  driver.Give(StoreSeen{{{"00", Stored("00")}, {"01", Stored("01")}}});
  driver.Give(ManifestCommitted{ManifestOf("00")});
  driver.Give(ManifestCommitted{ManifestOf("01")});
  driver.Assign("BG");
  driver.Give(Disconnected{});
  driver.Forget();
  // Its state was put back from a copy that has the first manifest only.
  driver.Connect({"00"});
  driver.Give(Dropped{{"train/BG", 1}, "lost"});
  driver.Assign("BG", 1'000'002, 1);
  CATCH_CHECK(driver.Since<StartTrainer>().empty());
  const auto sent = driver.AnswerAll();
  CATCH_REQUIRE(sent.size() == 1);
  CATCH_CHECK(std::get<DataManifest>(sent[0].body).chunk == "01");
}

CATCH_TEST_CASE("a manifest made against one that differs from the committed one is not proposed") {
  SessionDriver driver;
  driver.Connect({"00"});
  driver.SeeAllFiles();
  driver.Assign("BG");
  std::map<std::string, StoredChunk> store = {{"00", Stored("00")}, {"01", Stored("01")}};
  store["00"].manifest.blob = DigestOf("made of another zip");
  driver.Give(StoreSeen{store});
  CATCH_CHECK(driver.Since<UploadBlob>().empty());
  // Fixed: then it may be proposed.
  store["00"] = Stored("00");
  driver.Give(StoreSeen{store});
  driver.Assign("BG", 2);
  CATCH_REQUIRE(driver.Since<UploadBlob>().size() == 1);
  CATCH_CHECK(driver.Since<UploadBlob>()[0].blob == ManifestDigest("01"));
}

}  // namespace
}  // namespace interceptor::worker
