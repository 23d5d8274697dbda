// Terms that move: what is dropped, what goes on, and what an earlier start of the agent left.
#include <algorithm>

#include "tests/support/session_driver.h"

namespace interceptor::worker {
namespace {

CATCH_TEST_CASE(
    "a dropped task is stopped at once and leaves nothing; a new grant waits for the old process") {
  Training driver;
  driver.Give(TrainerSaved{driver.bg, CheckpointAt("BG", 4), "BG-4"});
  driver.Give(Dropped{{"train/BG", 1}, "moved to another box"});
  CATCH_REQUIRE(driver.Got<StopChild>().size() == 1);
  CATCH_CHECK(driver.Got<StopChild>()[0].kind == StopKind::kAtOnce);
  CATCH_CHECK(driver.Got<DeleteFile>().size() == 1);
  CATCH_CHECK(driver.Got<ReleaseChunk>().size() == 2);
  // The sibling has the device now.
  CATCH_REQUIRE(driver.Got<GiveChunk>().size() == 1);
  CATCH_CHECK(driver.Got<GiveChunk>()[0].child == driver.av);

  driver.Forget();
  driver.Assign("BG", 2);
  driver.Give(TrainerSaved{driver.bg, CheckpointAt("BG", 8), "BG-8"});
  CATCH_CHECK(driver.Since<StartTrainer>().empty());
  CATCH_CHECK(driver.Since<UploadBlob>().empty());
  driver.Give(ChildExited{driver.bg, false, "killed by signal 9 (SIGKILL)"});
  CATCH_CHECK(driver.Since<StartTrainer>().size() == 1);
}

CATCH_TEST_CASE("an old drop does not touch a newer term") {
  Training driver;
  driver.Assign("BG", 2);
  driver.Forget();
  driver.Give(Dropped{{"train/BG", 1}, "late"});
  CATCH_CHECK(driver.Since<StopChild>().empty());
}

CATCH_TEST_CASE("a new term from where this run stands changes nothing but the term") {
  Training driver;
  driver.TrainChunk(driver.bg, "BG", 0);
  driver.AnswerAll();
  driver.Forget();
  driver.Assign("BG", 5, 1, CheckpointAt("BG", 10));
  CATCH_CHECK(driver.Since<StopChild>().empty());
  CATCH_CHECK(driver.Since<FetchBlob>().empty());
  driver.TrainChunk(driver.av, "AV", 0);
  driver.TrainChunk(driver.bg, "BG", 1);
  const auto sent = driver.AnswerAll();
  const auto bg =
      std::find_if(sent.begin(), sent.end(), [](const auto& each) { return each.task.task == "train/BG"; });
  CATCH_REQUIRE(bg != sent.end());
  CATCH_CHECK(bg->task.term == 5);
}

CATCH_TEST_CASE("a new term from another checkpoint starts anew from that one") {
  Training driver;
  driver.TrainChunk(driver.bg, "BG", 0);
  driver.Forget();
  driver.Assign("BG", 5, 2, CheckpointAt("BG", 20));
  CATCH_CHECK(driver.Got<StopChild>().size() == 1);
  CATCH_REQUIRE(driver.Got<FetchBlob>().size() == 1);
  CATCH_CHECK(driver.Got<FetchBlob>()[0].blob == CheckpointAt("BG", 20).blob);
  driver.Give(ChildExited{driver.bg, false, "killed by signal 9 (SIGKILL)"});
  CATCH_CHECK(driver.Since<StartTrainer>().empty());
  driver.Give(BlobFetched{CheckpointAt("BG", 20).blob, absl::OkStatus(), "fetched"});
  CATCH_REQUIRE(driver.Got<StartTrainer>().size() == 1);
  CATCH_CHECK(driver.Got<StartTrainer>()[0].resume_path == "fetched");
}

CATCH_TEST_CASE("a checkpoint that was committed though its answer got lost counts as published") {
  Training driver;
  driver.TrainChunk(driver.bg, "BG", 0);
  driver.Give(Disconnected{});
  driver.Forget();
  driver.Connect();
  driver.Assign("BG", 2, 0, CheckpointAt("BG", 10));
  CATCH_CHECK(driver.Since<StopChild>().empty());
  const auto sent = driver.AnswerAll();
  bool ended = false;
  for (const SendPublication& each : sent) {
    if (each.task != TaskRef{"train/BG", 2}) continue;
    CATCH_CHECK_FALSE(std::holds_alternative<Checkpoint>(each.body));
    ended = ended || std::holds_alternative<ChunkFinished>(each.body);
  }
  CATCH_CHECK(ended);
}

CATCH_TEST_CASE("a stale term ends the run") {
  Training driver;
  driver.Give(TrainerSaved{driver.bg, CheckpointAt("BG", 4), "BG-4"});
  driver.Give(BlobUploaded{CheckpointAt("BG", 4).blob, absl::OkStatus()});
  driver.Give(Answered{driver.Got<SendPublication>()[0].request_id, Aborted("term 1 is stale")});
  CATCH_REQUIRE(driver.Got<StopChild>().size() == 1);
  CATCH_CHECK(driver.Got<StopChild>()[0].child == driver.bg);
}

CATCH_TEST_CASE("what an earlier start of the agent left unpublished is published, and trained on from") {
  SessionDriver driver;
  driver.Connect();
  driver.SeeAllFiles();
  driver.StoreAll();
  Assigned assigned{{"train/BG", 1}, 0, CheckpointAt("BG", 4), {}};
  assigned.memory.files = {{CheckpointAt("BG", 4).blob, "BG-4", 4},
                           {CheckpointAt("BG", 10).blob, "BG-10", 10}};
  assigned.memory.unpublished = {{CheckpointAt("BG", 10), "BG-10"}};
  driver.Give(assigned);
  CATCH_CHECK(driver.Since<FetchBlob>().empty());
  CATCH_REQUIRE(driver.Since<StartTrainer>().size() == 1);
  CATCH_CHECK(driver.Since<StartTrainer>()[0].resume_path == "BG-10");
  // The model stands behind chunk 0, whose scores nobody has heard of: the chunk is ordered again for them.
  driver.Ready("BG", 1);
  CATCH_REQUIRE(driver.Got<GiveChunk>().size() == 1);
  CATCH_CHECK(driver.Got<GiveChunk>()[0].chunk == 0);
  const auto sent = driver.AnswerAll();
  CATCH_REQUIRE(sent.size() == 1);
  CATCH_CHECK(std::get<Checkpoint>(sent[0].body).step == 10);
}

CATCH_TEST_CASE("the clock of saves counts from the newest checkpoint that an earlier start left") {
  SessionDriver driver;
  driver.Connect();
  driver.SeeAllFiles();
  driver.StoreAll();
  Checkpoint left = CheckpointAt("BG", 10);
  left.training_seconds = absl::ToDoubleSeconds(driver.plan.checkpoint_period);
  Assigned assigned{{"train/BG", 1}, 0, CheckpointAt("BG", 4), {}};
  assigned.memory.files = {{CheckpointAt("BG", 4).blob, "BG-4", 4}, {left.blob, "BG-10", 10}};
  assigned.memory.unpublished = {{left, "BG-10"}};
  driver.Give(assigned);
  const ChildId child = driver.Ready("BG", 1);
  driver.Give(Disconnected{});
  const auto moved_to = [&](double seconds) {
    driver.Give(TrainerMoved{
        child, {.phase = Phase::kTraining, .step = 12, .training_seconds = left.training_seconds + seconds}});
    return driver.Got<SaveCheckpoint>().size();
  };
  CATCH_CHECK(moved_to(60) == 0);
  CATCH_CHECK(moved_to(left.training_seconds) == 1);
}

CATCH_TEST_CASE(
    "a killed agent goes on from its memory in the middle of the next chunk and tells each fact once") {
  Training driver;
  driver.Give(Disconnected{});
  driver.TrainChunk(driver.bg, "BG", 0);
  driver.TrainChunk(driver.av, "AV", 0);
  RunMemory memory;
  for (const RememberRun& each : driver.Since<RememberRun>()) {
    if (each.specialist == "BG") memory = each.memory;
  }
  CATCH_CHECK(memory.next_chunk == 1);
  CATCH_CHECK(memory.unpublished.size() == 3);

  SessionDriver anew;
  anew.Connect();
  anew.SeeAllFiles();
  anew.StoreAll();
  anew.Give(Assigned{{"train/BG", 1}, 0, std::nullopt, memory});
  CATCH_REQUIRE(anew.Since<StartTrainer>().size() == 1);
  CATCH_CHECK(anew.Since<StartTrainer>()[0].resume_path == "BG-10");
  anew.Ready("BG", 1);
  CATCH_REQUIRE(anew.Got<GiveChunk>().size() == 1);
  CATCH_CHECK(anew.Got<GiveChunk>()[0].chunk == 1);
  CATCH_CHECK(anew.Got<GiveChunk>()[0].sampling == SessionDriver::SamplingAfter(0));
  CATCH_CHECK(anew.AnswerAll().size() == 3);
  CATCH_CHECK(anew.Since<RememberRun>().back().memory.unpublished.empty());
}

CATCH_TEST_CASE("a run that is taken over in mid-plan samples its first chunk as the grant says") {
  SessionDriver driver;
  driver.Connect();
  driver.SeeAllFiles();
  driver.StoreAll();
  const Checkpoint base = CheckpointAt("BG", 10);
  driver.Give(Assigned{{"train/BG", 2}, 1, base, {}, SessionDriver::SamplingAfter(0)});
  driver.Give(BlobFetched{base.blob, absl::OkStatus(), "base"});
  driver.Ready("BG", 1);
  CATCH_REQUIRE(driver.Got<GiveChunk>().size() == 1);
  CATCH_CHECK(driver.Got<GiveChunk>()[0].sampling == SessionDriver::SamplingAfter(0));
}

CATCH_TEST_CASE(
    "what is remembered beyond the grant's chunk is sampled as the scores that were accepted before asked") {
  Training driver;
  driver.TrainChunk(driver.bg, "BG", 0);
  // Checkpoint and scores are accepted, the chunk's end is not heard of any more.
  RunMemory memory;
  for (const RememberRun& each : driver.Since<RememberRun>()) {
    if (each.specialist == "BG") memory = each.memory;
  }
  std::erase_if(memory.unpublished, [](const RunMemory::Fact& fact) {
    return !std::holds_alternative<ChunkFinished>(fact.body);
  });
  CATCH_REQUIRE(memory.unpublished.size() == 1);
  CATCH_REQUIRE(memory.next_chunk == 1);

  SessionDriver anew;
  anew.Connect();
  anew.SeeAllFiles();
  anew.StoreAll();
  anew.Give(Assigned{{"train/BG", 2}, 0, CheckpointAt("BG", 10), memory});
  anew.Ready("BG", 1);
  CATCH_REQUIRE(anew.Got<GiveChunk>().size() == 1);
  CATCH_CHECK(anew.Got<GiveChunk>()[0].chunk == 1);
  CATCH_CHECK(anew.Got<GiveChunk>()[0].sampling == SessionDriver::SamplingAfter(0));
}

CATCH_TEST_CASE("a memory that found no room is written down again once there is some") {
  Training driver;
  driver.Give(Disconnected{});
  driver.TrainChunk(driver.bg, "BG", 0);
  const RunMemory memory = driver.Since<RememberRun>().back().memory;
  CATCH_REQUIRE(memory.unpublished.size() == 3);
  for (int i = 0; i < 3; ++i) {
    driver.Give(NotRemembered{"BG"});
    CATCH_CHECK(driver.Got<RememberRun>().empty());
    CATCH_CHECK(driver.session.NextWake() == driver.now + kFullPause);
    driver.Wait(kFullPause);
    CATCH_REQUIRE(driver.Got<RememberRun>().size() == 1);
    CATCH_CHECK(driver.Got<RememberRun>()[0].memory == memory);
  }
  driver.Wait(kFullPause);
  CATCH_CHECK(driver.Got<RememberRun>().empty());
}

CATCH_TEST_CASE("a memory that the grant does not lead to is thrown away") {
  SessionDriver driver;
  driver.Connect();
  driver.SeeAllFiles();
  driver.StoreAll();
  RunMemory memory{.next_chunk = 1, .files = {{CheckpointAt("BG", 10).blob, "BG-10", 10}}, .unpublished = {}};
  driver.Give(Assigned{{"train/BG", 7}, 2, CheckpointAt("BG", 20), memory});
  CATCH_REQUIRE(driver.Got<DeleteFile>().size() == 1);
  CATCH_CHECK(driver.Got<DeleteFile>()[0].path == "BG-10");
  CATCH_CHECK(driver.Got<FetchBlob>().size() == 1);
  CATCH_REQUIRE(driver.Got<RememberRun>().size() == 1);
  CATCH_CHECK(driver.Got<RememberRun>()[0].memory.empty());
}

CATCH_TEST_CASE("a base beyond the coordinator's next chunk proves the chunks between, and the run goes on") {
  SessionDriver driver;
  driver.Connect();
  driver.SeeAllFiles();
  driver.StoreAll();
  Checkpoint base = CheckpointAt("BG", 35);
  base.cursor = {.chunk = 3, .epoch = 0, .position = 5, .seed = 1};
  base.reason = SaveReason::kSaveNow;
  driver.Assign("BG", 2, 1, base);
  driver.Give(BlobFetched{base.blob, absl::OkStatus(), "base"});
  const ChildId child = driver.Ready("BG", 3);
  CATCH_REQUIRE(driver.Since<GiveChunk>().size() == 1);
  CATCH_CHECK(driver.Since<GiveChunk>()[0].child == child);
  CATCH_CHECK(driver.Since<GiveChunk>()[0].chunk == 3);
  for (int chunk = 1; chunk < 3; ++chunk) {
    const auto sent = driver.Since<SendPublication>();
    CATCH_REQUIRE(!sent.empty());
    CATCH_CHECK(std::get<ChunkFinished>(sent.back().body) == ChunkFinished{chunk, 35, 35});
    driver.Give(Answered{sent.back().request_id, absl::OkStatus()});
  }
}

CATCH_TEST_CASE("a trainer proves no chunk by what it says of itself") {
  SessionDriver driver;
  driver.Connect();
  driver.StoreAll();
  Checkpoint base = CheckpointAt("BG", 10);
  base.cursor = {.chunk = 1, .epoch = 0, .position = 0, .seed = 1};
  driver.Assign("BG", 2, 1, base);
  driver.Give(BlobFetched{base.blob, absl::OkStatus(), "base"});
  driver.Ready("BG", 1'000'000'000);
  const auto sent = driver.AnswerAll();
  CATCH_REQUIRE(sent.size() == 1);
  CATCH_CHECK(std::get<Failure>(sent[0].body).text.find("1000000000") != std::string::npos);
}

}  // namespace
}  // namespace interceptor::worker
