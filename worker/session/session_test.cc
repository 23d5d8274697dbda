// What a session says to the coordinator and does for it, from hello to goodbye.
#include <algorithm>

#include "tests/support/session_desk.h"

namespace interceptor::worker {
namespace {

CATCH_TEST_CASE(
    "the first word is hello with files and held tasks; nothing else goes out before the welcome") {
  Desk desk;
  desk.SeeAllFiles();
  CATCH_CHECK(desk.Since<SendHello>().empty());
  desk.Give(Connected{});
  CATCH_REQUIRE(desk.last.size() == 1);
  CATCH_CHECK(desk.Got<SendHello>()[0].files.size() == kChunks);
  CATCH_CHECK(desk.Got<SendHello>()[0].held.empty());

  Training training;
  training.Give(Disconnected{});
  training.Give(Connected{});
  CATCH_REQUIRE(training.last.size() == 1);
  CATCH_CHECK(training.Got<SendHello>()[0].held == std::vector<TaskRef>{{"train/AV", 1}, {"train/BG", 1}});
  CATCH_CHECK(training.Got<SendHello>()[0].plan_digest == "plan");
}

CATCH_TEST_CASE("a pair takes turns chunk by chunk, and the one that waits lives by its sibling's progress") {
  Training desk;
  CATCH_REQUIRE(desk.Since<GiveChunk>().empty());
  desk.Wait(absl::Seconds(5));
  CATCH_CHECK(PhaseReported(desk.last, "train/BG") == Phase::kTraining);
  CATCH_CHECK(PhaseReported(desk.last, "train/AV") == Phase::kWaitingForTurn);
  const auto activity = [](const SessionOutputs& outputs) {
    int64_t value = -1;
    for (const SessionOutput& output : outputs) {
      const auto* progress = std::get_if<SendProgress>(&output);
      if (progress != nullptr && progress->progress.task.task == "train/AV")
        value = progress->progress.activity;
    }
    return value;
  };
  const int64_t before = activity(desk.last);
  desk.Give(TrainerMoved{desk.bg, {.phase = Phase::kTraining, .step = 3}});
  CATCH_CHECK(activity(desk.Wait(absl::Seconds(5))) > before);

  std::vector<std::pair<ChildId, int>> order;
  desk.Forget();
  for (int chunk = 0; chunk < 2; ++chunk) {
    desk.TrainChunk(desk.bg, "BG", chunk);
    desk.TrainChunk(desk.av, "AV", chunk);
  }
  for (const GiveChunk& give : desk.Since<GiveChunk>()) order.push_back({give.child, give.chunk});
  CATCH_CHECK(order ==
              std::vector<std::pair<ChildId, int>>{{desk.av, 0}, {desk.bg, 1}, {desk.av, 1}, {desk.bg, 2}});
}

CATCH_TEST_CASE("a plan may say that a pair trains together") {
  Desk desk;
  desk.plan.pair_together = true;
  desk.Connect();
  desk.SeeAllFiles();
  desk.StoreAll();
  desk.Assign("BG");
  desk.Assign("AV");
  desk.Ready("BG", 0);
  desk.Ready("AV", 0);
  CATCH_CHECK(desk.Since<GiveChunk>().size() == 2);
}

CATCH_TEST_CASE("a chunk's end is told in order: checkpoint, scores, end; then older files may go") {
  Training desk;
  desk.TrainChunk(desk.bg, "BG", 0);
  std::vector<SendPublication> told = desk.AnswerAll();
  CATCH_REQUIRE(told.size() == 3);
  CATCH_CHECK(std::get<Checkpoint>(told[0].body).step == 10);
  CATCH_CHECK(std::get<Evaluation>(told[1].body).kind == EvaluationKind::kHeldOut);
  CATCH_CHECK(std::get<ChunkFinished>(told[2].body).chunk == 0);
  CATCH_CHECK(desk.Since<DeleteFile>().empty());
  CATCH_CHECK(desk.Since<ReleaseChunk>().size() == 1);

  desk.Forget();
  desk.TrainChunk(desk.av, "AV", 0);
  desk.TrainChunk(desk.bg, "BG", 1);
  desk.AnswerAll();
  CATCH_REQUIRE(desk.Since<DeleteFile>().size() == 1);
  CATCH_CHECK(desk.Since<DeleteFile>()[0].path == "BG-10");
}

CATCH_TEST_CASE("without the coordinator training goes on and at most two checkpoints wait to be published") {
  Training desk;
  desk.TrainChunk(desk.bg, "BG", 0);
  desk.AnswerAll();
  desk.Give(Disconnected{});
  desk.Forget();
  desk.TrainChunk(desk.av, "AV", 0);
  for (int chunk = 1; chunk < kChunks; ++chunk) {
    desk.TrainChunk(desk.bg, "BG", chunk);
    desk.TrainChunk(desk.av, "AV", chunk);
  }
  CATCH_CHECK(desk.Since<SendPublication>().empty());
  CATCH_CHECK(desk.Since<UploadBlob>().empty());
  CATCH_CHECK(desk.Since<ReleaseChunk>().empty());
  std::vector<std::string> deleted;
  for (const DeleteFile& each : desk.Since<DeleteFile>()) deleted.push_back(each.path);
  std::sort(deleted.begin(), deleted.end());
  CATCH_CHECK(deleted == std::vector<std::string>{"AV-10", "AV-20", "BG-20"});

  desk.Forget();
  desk.Connect();
  const std::vector<SendPublication> told = desk.AnswerAll();
  std::vector<std::string> bg;
  for (const SendPublication& each : told) {
    if (each.task.task != "train/BG") continue;
    if (const auto* checkpoint = std::get_if<Checkpoint>(&each.body))
      bg.push_back(Cat("step ", checkpoint->step));
    if (const auto* end = std::get_if<ChunkFinished>(&each.body)) bg.push_back(Cat("end ", end->chunk));
  }
  CATCH_CHECK(bg == std::vector<std::string>{"step 30", "end 1", "end 2", "step 40", "end 3"});
}

CATCH_TEST_CASE("out of touch the agent keeps the three-hour clock itself; in touch the coordinator does") {
  Training desk;
  const TrainerMoved late{desk.bg, {.phase = Phase::kTraining, .step = 5, .training_seconds = 3 * 3600.0}};
  desk.Give(late);
  CATCH_CHECK(desk.Since<SaveCheckpoint>().empty());
  desk.Give(Disconnected{});
  CATCH_CHECK(desk.Got<SaveCheckpoint>().size() == 1);
  desk.Give(late);
  CATCH_CHECK(desk.Got<SaveCheckpoint>().empty());
  Checkpoint saved = CheckpointAt("BG", 5);
  saved.training_seconds = late.at.training_seconds;
  desk.Give(TrainerSaved{desk.bg, saved, "BG-5"});
  desk.Give(late);
  CATCH_CHECK(desk.Got<SaveCheckpoint>().empty());
}

CATCH_TEST_CASE("save now reaches the trainer that trains, under the right term only") {
  Training desk;
  desk.Give(SaveNowAsked{{"train/BG", 7}});
  CATCH_CHECK(desk.last.empty());
  desk.Give(SaveNowAsked{{"train/AV", 1}});
  CATCH_CHECK(desk.last.empty());
  desk.Give(SaveNowAsked{{"train/BG", 1}});
  CATCH_REQUIRE(desk.Got<SaveCheckpoint>().size() == 1);
  CATCH_CHECK(desk.Got<SaveCheckpoint>()[0].child == desk.bg);
}

CATCH_TEST_CASE("after a reconnect the unanswered fact comes first, under its old id") {
  Training desk;
  desk.Give(TrainerSaved{desk.bg, CheckpointAt("BG", 4), "BG-4"});
  desk.Give(BlobUploaded{CheckpointAt("BG", 4).blob, absl::OkStatus()});
  const auto first = desk.Got<SendPublication>();
  CATCH_REQUIRE(first.size() == 1);
  desk.Give(Disconnected{});
  desk.Give(TrainerSaved{desk.bg, CheckpointAt("BG", 6), "BG-6"});
  desk.Forget();
  desk.Connect();
  CATCH_REQUIRE(desk.Since<SendPublication>().size() == 1);
  CATCH_CHECK(desk.Since<SendPublication>()[0].request_id == first[0].request_id);
}

CATCH_TEST_CASE("progress is reported at the coordinator's cadence") {
  Training desk;
  desk.Wait(absl::Seconds(5));
  desk.Forget();
  for (int i = 0; i < 10; ++i) desk.Give(TrainerMoved{desk.bg, {.phase = Phase::kTraining, .step = i}});
  CATCH_CHECK(desk.Since<SendProgress>().empty());
  CATCH_REQUIRE(desk.session.NextWake());
  desk.Give(LeaseRenewed{absl::Seconds(2)});
  desk.now = *desk.session.NextWake();
  desk.Give(Ticked{});
  CATCH_CHECK(desk.Since<SendProgress>().size() == 2);
  CATCH_CHECK(*desk.session.NextWake() - desk.now == absl::Seconds(2));
}

CATCH_TEST_CASE("drain: children save and leave, what is unpublished is told, then goodbye") {
  Training desk;
  desk.Give(TrainerSaved{desk.bg, CheckpointAt("BG", 4), "BG-4"});
  desk.Give(DrainAsked{"maintenance"});
  CATCH_REQUIRE(desk.Got<StopChild>().size() == 2);
  CATCH_CHECK(desk.Got<StopChild>()[0].kind == StopKind::kSaveAndLeave);
  desk.Give(ChildExited{desk.bg, true, "left with exit code 0"});
  desk.Give(ChildExited{desk.av, true, "left with exit code 0"});
  CATCH_CHECK(desk.Since<StartTrainer>().empty());
  CATCH_CHECK(desk.Since<SendGoodbye>().empty());
  CATCH_CHECK(desk.AnswerAll().size() == 1);
  CATCH_REQUIRE(desk.Since<SendGoodbye>().size() == 1);
  CATCH_CHECK(desk.Since<SendGoodbye>()[0].reason == "maintenance");
  CATCH_CHECK(desk.Since<Leave>().size() == 1);
  CATCH_CHECK(desk.Give(Connected{}).empty());
}

CATCH_TEST_CASE("a stop does not wait for a coordinator that is away, nor for ever, nor when asked twice") {
  Training away;
  away.Give(Disconnected{});
  away.Give(TrainerSaved{away.bg, CheckpointAt("BG", 4), "BG-4"});
  away.Give(StopAsked{});
  away.Give(ChildExited{away.bg, true, "left with exit code 0"});
  CATCH_CHECK(away.Since<Leave>().empty());
  away.Give(ChildExited{away.av, true, "left with exit code 0"});
  CATCH_CHECK(away.Since<Leave>().size() == 1);

  for (const bool twice : {false, true}) {
    Training desk;
    desk.Give(TrainerSaved{desk.bg, CheckpointAt("BG", 4), "BG-4"});
    desk.Give(StopAsked{});
    desk.Give(ChildExited{desk.bg, true, "left with exit code 0"});
    desk.Give(ChildExited{desk.av, true, "left with exit code 0"});
    CATCH_CHECK(desk.Since<Leave>().empty());
    if (twice) {
      desk.Give(StopAsked{});
    } else {
      desk.now = *desk.session.NextWake() + absl::Minutes(2);
      desk.Give(Ticked{});
    }
    CATCH_CHECK(desk.Since<Leave>().size() == 1);
  }
}

CATCH_TEST_CASE("a coordinator with another plan is not worked for") {
  Training desk;
  desk.Give(Disconnected{});
  desk.plan.digest = "another plan";
  desk.Connect();
  CATCH_CHECK(desk.Since<StopChild>().size() == 2);
  desk.Give(ChildExited{desk.bg, true, "left with exit code 0"});
  desk.Give(ChildExited{desk.av, true, "left with exit code 0"});
  CATCH_CHECK(desk.Since<Leave>().size() == 1);
}

CATCH_TEST_CASE("the whole plan: every chunk once, then nothing is held") {
  Training desk;
  desk.Forget();
  for (int chunk = 0; chunk < kChunks; ++chunk) {
    desk.TrainChunk(desk.bg, "BG", chunk);
    desk.TrainChunk(desk.av, "AV", chunk);
  }
  std::map<std::string, std::vector<int>> finished;
  bool last = false;
  for (const GiveChunk& give : desk.Since<GiveChunk>())
    last = last || (give.last && give.chunk == kChunks - 1);
  CATCH_CHECK(last);
  for (const SendPublication& each : desk.AnswerAll()) {
    if (const auto* end = std::get_if<ChunkFinished>(&each.body))
      finished[each.task.task].push_back(end->chunk);
  }
  CATCH_CHECK(finished["train/BG"] == std::vector<int>{0, 1, 2, 3});
  CATCH_CHECK(finished["train/AV"] == std::vector<int>{0, 1, 2, 3});
  desk.Give(Disconnected{});
  desk.Give(Connected{});
  CATCH_CHECK(desk.Got<SendHello>()[0].held.empty());
}

CATCH_TEST_CASE("a worker that waits for something else than time does not wake for it") {
  Desk desk;
  desk.Connect();
  desk.SeeAllFiles();
  // Prepared here, and nobody to propose its manifest for: no task is held.
  desk.Give(StoreSeen{{{"00", Stored("00")}}});
  CATCH_REQUIRE(desk.session.NextWake());
  CATCH_CHECK(*desk.session.NextWake() > desk.now);

  // A trainer that died is started again after a pause, and not before its chunk is prepared anew.
  Desk waiting;
  waiting.Connect();
  waiting.SeeAllFiles();
  waiting.StoreAll();
  waiting.Assign("BG");
  const ChildId child = waiting.Ready("BG", 0);
  waiting.Give(StoreSeen{});
  waiting.Give(ChildExited{child, false, "killed by signal 9 (SIGKILL)"});
  for (int i = 0; i < 10; ++i) {
    CATCH_REQUIRE(waiting.session.NextWake());
    CATCH_REQUIRE(*waiting.session.NextWake() > waiting.now);
    waiting.now = *waiting.session.NextWake();
    waiting.Give(Ticked{});
  }
}

CATCH_TEST_CASE("a worker without a task gives a sign of life at the reporting cadence") {
  Desk desk;
  desk.Connect();
  desk.SeeAllFiles();
  desk.Wait(absl::Seconds(5));
  CATCH_REQUIRE(desk.Got<SendChunkFiles>().size() == 1);
  CATCH_CHECK(desk.Got<SendChunkFiles>()[0].files.size() == static_cast<size_t>(kChunks));
  desk.Wait(absl::Seconds(2));
  CATCH_CHECK(desk.Got<SendChunkFiles>().empty());
  desk.Assign("BG");
  desk.Wait(absl::Seconds(5));
  CATCH_CHECK(desk.Got<SendChunkFiles>().empty());
  CATCH_CHECK(desk.Got<SendProgress>().size() == 1);
}

}  // namespace
}  // namespace interceptor::worker
