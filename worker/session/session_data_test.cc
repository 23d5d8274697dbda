// Chunks on their way to training: zips, stores, manifests.
#include <algorithm>

#include "tests/support/session_desk.h"

namespace interceptor::worker {
namespace {

CATCH_TEST_CASE("a chunk that has not arrived whole is waited for, visibly, and prepared when it has") {
  Desk desk;
  desk.Connect();
  desk.Assign("BG");
  CATCH_CHECK(PhaseReported(desk.last, "train/BG") == Phase::kWaitingForData);
  desk.Give(ChunkFilesSeen{{{"00", {100, ""}}}});
  CATCH_CHECK(desk.Since<StartPreparer>().empty());
  CATCH_CHECK(desk.Got<SendChunkFiles>().size() == 1);
  desk.Give(ChunkFilesSeen{{{"00", {100, DigestOf("00").hex}}}});
  CATCH_REQUIRE(desk.Got<StartPreparer>().size() == 1);
  CATCH_CHECK(desk.Got<StartPreparer>()[0].chunk == "00");
  CATCH_CHECK(PhaseReported(desk.last, "train/BG") == Phase::kPreparing);
}

CATCH_TEST_CASE("training begins when the manifest is in the vault, proposed and committed") {
  Desk desk;
  desk.Connect();
  desk.SeeAllFiles();
  desk.Assign("BG");
  const ChildId preparer = desk.Since<StartPreparer>()[0].child;
  desk.Give(ManifestBuilt{preparer, Stored("00")});
  CATCH_REQUIRE(desk.Got<UploadBlob>().size() == 1);
  CATCH_CHECK(desk.Got<UploadBlob>()[0].path == "store/00/manifest.jsonl");
  desk.Give(ChildExited{preparer, true, "left with exit code 0"});
  desk.Give(BlobUploaded{ManifestDigest("00"), absl::OkStatus()});
  CATCH_REQUIRE(desk.Got<SendPublication>().size() == 1);
  CATCH_CHECK(std::get<DataManifest>(desk.Got<SendPublication>()[0].body) == ManifestOf("00"));
  CATCH_CHECK(desk.Since<StartTrainer>().empty());
  desk.Give(Answered{desk.Got<SendPublication>()[0].request_id, absl::OkStatus()});
  CATCH_REQUIRE(desk.Got<StartTrainer>().size() == 1);
  CATCH_CHECK(desk.Got<StartTrainer>()[0].resume_path.empty());
  desk.Ready("BG", 0);
  CATCH_REQUIRE(desk.Got<GiveChunk>().size() == 1);
  CATCH_CHECK(desk.Got<GiveChunk>()[0].manifest_sha256 == ManifestDigest("00").hex);
  CATCH_CHECK_FALSE(desk.Got<GiveChunk>()[0].last);
}

CATCH_TEST_CASE("a manifest that somebody else committed first is not proposed again") {
  Desk desk;
  desk.Connect({"00"});
  desk.SeeAllFiles();
  desk.Assign("BG");
  desk.Give(ManifestBuilt{desk.Since<StartPreparer>()[0].child, Stored("00")});
  CATCH_CHECK(desk.Since<UploadBlob>().empty());
  CATCH_CHECK(desk.Got<StartTrainer>().size() == 1);
}

CATCH_TEST_CASE("a manifest that differs from the committed one pauses the run and names both digests") {
  Desk desk;
  desk.Connect({"00"});
  desk.SeeAllFiles();
  desk.Assign("BG");
  StoredChunk other = Stored("00");
  other.manifest.blob = DigestOf("other labels");
  desk.Give(ManifestBuilt{desk.Since<StartPreparer>()[0].child, other});
  CATCH_REQUIRE(desk.Got<ExplainManifest>().size() == 1);
  CATCH_CHECK(desk.Got<ExplainManifest>()[0].committed == ManifestDigest("00"));
  const auto failures = Failures(desk.AnswerAll());
  CATCH_REQUIRE(failures.size() == 1);
  CATCH_CHECK_FALSE(failures[0].retryable);
  CATCH_CHECK(failures[0].text.find(ManifestDigest("00").hex) != std::string::npos);
  CATCH_CHECK(failures[0].text.find(DigestOf("other labels").hex) != std::string::npos);
  CATCH_CHECK(desk.Since<StartTrainer>().empty());
}

CATCH_TEST_CASE("a zip with other bytes than the plan's pauses the run before any work") {
  Desk desk;
  desk.plan.chunks = {"00", "01", "02", "03"};
  desk.Give(Connected{});
  desk.Give(Welcomed{.plan = desk.plan, .manifests = {}, .chunk_sha256 = {{"00", DigestOf("right").hex}}});
  desk.Give(ChunkFilesSeen{{{"00", {100, DigestOf("wrong").hex}}}});
  desk.Assign("BG");
  const auto failures = Failures(desk.AnswerAll());
  CATCH_REQUIRE(failures.size() == 1);
  CATCH_CHECK_FALSE(failures[0].retryable);
  CATCH_CHECK(failures[0].text.find(DigestOf("right").hex) != std::string::npos);
  CATCH_CHECK(desk.Since<StartPreparer>().empty());
}

CATCH_TEST_CASE("the next chunk is prepared while this one trains, and no further") {
  Desk desk;
  desk.Connect({"00", "01", "02"});
  desk.SeeAllFiles();
  desk.Assign("BG");
  for (const std::string chunk : {"00", "01"}) {
    CATCH_REQUIRE(desk.Since<StartPreparer>().back().chunk == chunk);
    const ChildId child = desk.Since<StartPreparer>().back().child;
    desk.Give(ManifestBuilt{child, Stored(chunk)});
    desk.Give(ChildExited{child, true, "left with exit code 0"});
  }
  CATCH_CHECK(desk.Since<StartPreparer>().size() == 2);
  const ChildId trainer = desk.Ready("BG", 0);
  desk.TrainChunk(trainer, "BG", 0);
  CATCH_CHECK(desk.Since<StartPreparer>().back().chunk == "02");
}

CATCH_TEST_CASE("bad labels in the next chunk stop a run when it gets there, not before") {
  Desk desk;
  desk.Connect({"00"});
  desk.SeeAllFiles();
  desk.Assign("BG");
  const ChildId first = desk.Since<StartPreparer>().back().child;
  desk.Give(ManifestBuilt{first, Stored("00")});
  desk.Give(ChildExited{first, true, "left with exit code 0"});
  const ChildId second = desk.Since<StartPreparer>().back().child;
  CATCH_REQUIRE(second != first);
  const ChildId trainer = desk.Ready("BG", 0);
  desk.Give(ChildFailed{second, {absl::StatusCode::kInvalidArgument, "01.zip holds one class", false}});
  desk.Give(ChildExited{second, false, "left with exit code 1"});
  CATCH_CHECK(Failures(desk.AnswerAll()).empty());
  desk.TrainChunk(trainer, "BG", 0);
  const auto failures = Failures(desk.AnswerAll());
  CATCH_REQUIRE(failures.size() == 1);
  CATCH_CHECK(failures[0].text.find("one class") != std::string::npos);
  CATCH_CHECK_FALSE(failures[0].retryable);
}

CATCH_TEST_CASE("a run that starts in the middle prepares the kept clips of earlier chunks first") {
  Desk desk;
  desk.Connect({"00", "01", "02"});
  desk.SeeAllFiles();
  desk.Assign("BG", 3, 2, CheckpointAt("BG", 20));
  std::vector<std::string> order;
  for (int i = 0; i < 3; ++i) {
    const StartPreparer start = desk.Since<StartPreparer>().back();
    order.push_back(start.chunk);
    desk.Give(ManifestBuilt{start.child, Stored(start.chunk)});
    desk.Give(ChildExited{start.child, true, "left with exit code 0"});
  }
  CATCH_CHECK(order == std::vector<std::string>{"00", "01", "02"});
  desk.Give(BlobFetched{CheckpointAt("BG", 20).blob, absl::OkStatus(), "base"});
  CATCH_CHECK(desk.Got<StartTrainer>().size() == 1);
}

CATCH_TEST_CASE("a chunk is prepared when those before it are, because it is compared with them") {
  Desk desk;
  desk.Connect();
  desk.Give(ChunkFilesSeen{{{"01", {100, DigestOf("01").hex}}}});
  desk.Assign("BG");
  CATCH_CHECK(desk.Since<StartPreparer>().empty());
  desk.SeeAllFiles();
  CATCH_REQUIRE(desk.Since<StartPreparer>().size() == 1);
  CATCH_CHECK(desk.Since<StartPreparer>()[0].chunk == "00");
}

CATCH_TEST_CASE("manifests are proposed in the plan's order, because each rests on those before it") {
  Desk desk;
  desk.Connect();
  desk.Give(StoreSeen{{{"01", Stored("01")}}});
  desk.Assign("BG");
  CATCH_CHECK(desk.Since<UploadBlob>().empty());
  desk.Give(ManifestCommitted{ManifestOf("00")});
  CATCH_CHECK(desk.Since<UploadBlob>().size() == 1);
}

CATCH_TEST_CASE("a manifest that the coordinator has lost is proposed again before its chunk is trained") {
  Desk desk;
  desk.Connect();
  desk.SeeAllFiles();
  desk.Give(StoreSeen{{{"00", Stored("00")}, {"01", Stored("01")}}});
  desk.Give(ManifestCommitted{ManifestOf("00")});
  desk.Give(ManifestCommitted{ManifestOf("01")});
  desk.Assign("BG");
  desk.Give(Disconnected{});
  desk.Forget();
  // Its state was put back from a copy that has the first manifest only.
  desk.Connect({"00"});
  desk.Give(Dropped{{"train/BG", 1}, "lost"});
  desk.Assign("BG", 1'000'002, 1);
  CATCH_CHECK(desk.Since<StartTrainer>().empty());
  const auto told = desk.AnswerAll();
  CATCH_REQUIRE(told.size() == 1);
  CATCH_CHECK(std::get<DataManifest>(told[0].body).chunk == "01");
}

CATCH_TEST_CASE("a manifest made against one that differs from the committed one is not proposed") {
  Desk desk;
  desk.Connect({"00"});
  desk.SeeAllFiles();
  desk.Assign("BG");
  std::map<std::string, StoredChunk> store = {{"00", Stored("00")}, {"01", Stored("01")}};
  store["00"].manifest.blob = DigestOf("made of another zip");
  desk.Give(StoreSeen{store});
  CATCH_CHECK(desk.Since<UploadBlob>().empty());
  // Mended: then it may be said.
  store["00"] = Stored("00");
  desk.Give(StoreSeen{store});
  desk.Assign("BG", 2);
  CATCH_REQUIRE(desk.Since<UploadBlob>().size() == 1);
  CATCH_CHECK(desk.Since<UploadBlob>()[0].blob == ManifestDigest("01"));
}

}  // namespace
}  // namespace interceptor::worker
