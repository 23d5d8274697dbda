// What a session says to the coordinator and does for it, from hello to goodbye.
#include <algorithm>

#include "tests/support/session_driver.h"

namespace interceptor::worker {
namespace {

CATCH_TEST_CASE(
    "the first word is hello with files and held tasks; nothing else goes out before the welcome") {
  SessionDriver driver;
  driver.SeeAllFiles();
  CATCH_CHECK(driver.Since<SendHello>().empty());
  driver.Give(Connected{});
  CATCH_REQUIRE(driver.last.size() == 1);
  CATCH_CHECK(driver.Got<SendHello>()[0].files.size() == kChunks);
  CATCH_CHECK(driver.Got<SendHello>()[0].held.empty());

  Training training;
  training.Give(Disconnected{});
  training.Give(Connected{});
  CATCH_REQUIRE(training.last.size() == 1);
  CATCH_CHECK(training.Got<SendHello>()[0].held == std::vector<TaskRef>{{"train/AV", 1}, {"train/BG", 1}});
  CATCH_CHECK(training.Got<SendHello>()[0].plan_digest == "plan");
}

CATCH_TEST_CASE("a pair takes turns chunk by chunk, and the one that waits lives by its sibling's progress") {
  Training driver;
  CATCH_REQUIRE(driver.Since<GiveChunk>().empty());
  driver.Wait(absl::Seconds(5));
  CATCH_CHECK(PhaseReported(driver.last, "train/BG") == Phase::kTraining);
  CATCH_CHECK(PhaseReported(driver.last, "train/AV") == Phase::kWaitingForTurn);
  const auto activity = [](const SessionOutputs& outputs) {
    int64_t value = -1;
    for (const SessionOutput& output : outputs) {
      const auto* progress = std::get_if<SendProgress>(&output);
      if (progress != nullptr && progress->progress.task.task == "train/AV")
        value = progress->progress.activity;
    }
    return value;
  };
  const int64_t before = activity(driver.last);
  driver.Give(TrainerMoved{driver.bg, {.phase = Phase::kTraining, .step = 3}});
  CATCH_CHECK(activity(driver.Wait(absl::Seconds(5))) > before);

  std::vector<std::pair<ChildId, int>> order;
  driver.Forget();
  for (int chunk = 0; chunk < 2; ++chunk) {
    driver.TrainChunk(driver.bg, "BG", chunk);
    driver.TrainChunk(driver.av, "AV", chunk);
  }
  for (const GiveChunk& give : driver.Since<GiveChunk>()) order.push_back({give.child, give.chunk});
  CATCH_CHECK(order == std::vector<std::pair<ChildId, int>>{
                           {driver.av, 0}, {driver.bg, 1}, {driver.av, 1}, {driver.bg, 2}});
}

CATCH_TEST_CASE("a chunk is sampled as the bias after the one before asks") {
  Training driver;
  driver.Forget();
  for (int chunk = 0; chunk < 2; ++chunk) {
    driver.TrainChunk(driver.bg, "BG", chunk);
    driver.TrainChunk(driver.av, "AV", chunk);
  }
  int given = 0;
  for (const GiveChunk& give : driver.Since<GiveChunk>()) {
    const auto asked =
        give.chunk == 0 ? std::vector<SamplingWeight>() : SessionDriver::SamplingAfter(give.chunk - 1);
    CATCH_CHECK(give.sampling == asked);
    given += give.chunk > 0 ? 1 : 0;
  }
  CATCH_CHECK(given == 3);
}

CATCH_TEST_CASE("a plan may say that a pair trains together") {
  SessionDriver driver;
  driver.plan.pair_together = true;
  driver.Connect();
  driver.SeeAllFiles();
  driver.StoreAll();
  driver.Assign("BG");
  driver.Assign("AV");
  driver.Ready("BG", 0);
  driver.Ready("AV", 0);
  CATCH_CHECK(driver.Since<GiveChunk>().size() == 2);
}

CATCH_TEST_CASE("a chunk's end is reported in order: checkpoint, scores, end; then older files may go") {
  Training driver;
  driver.TrainChunk(driver.bg, "BG", 0);
  std::vector<SendPublication> sent = driver.AnswerAll();
  CATCH_REQUIRE(sent.size() == 3);
  CATCH_CHECK(std::get<Checkpoint>(sent[0].body).step == 10);
  CATCH_CHECK(std::get<Evaluation>(sent[1].body).kind == EvaluationKind::kHeldOut);
  CATCH_CHECK(std::get<ChunkFinished>(sent[2].body).chunk == 0);
  CATCH_CHECK(driver.Since<DeleteFile>().empty());
  CATCH_CHECK(driver.Since<ReleaseChunk>().size() == 1);

  driver.Forget();
  driver.TrainChunk(driver.av, "AV", 0);
  driver.TrainChunk(driver.bg, "BG", 1);
  driver.AnswerAll();
  CATCH_REQUIRE(driver.Since<DeleteFile>().size() == 1);
  CATCH_CHECK(driver.Since<DeleteFile>()[0].path == "BG-10");
}

CATCH_TEST_CASE("validations of a chunk are reported one by one, and one that a trainer repeats only once") {
  Training driver;
  for (const int64_t step : {2, 4, 2, 4, 6}) {
    const Evaluation validation{.specialist = "BG",
                                .kind = EvaluationKind::kValidation,
                                .step = step,
                                .score_table = DigestOf(Cat("validation ", step))};
    driver.Give(TrainerEvaluated{driver.bg, validation, Cat("validation-", step)});
  }
  std::vector<int64_t> steps;
  for (const SendPublication& sent : driver.AnswerAll())
    steps.push_back(std::get<Evaluation>(sent.body).step);
  CATCH_CHECK(steps == std::vector<int64_t>{2, 4, 6});
}

CATCH_TEST_CASE("without the coordinator training goes on and at most two checkpoints wait to be published") {
  Training driver;
  driver.TrainChunk(driver.bg, "BG", 0);
  driver.AnswerAll();
  driver.Give(Disconnected{});
  driver.Forget();
  driver.TrainChunk(driver.av, "AV", 0);
  for (int chunk = 1; chunk < kChunks; ++chunk) {
    driver.TrainChunk(driver.bg, "BG", chunk);
    driver.TrainChunk(driver.av, "AV", chunk);
  }
  CATCH_CHECK(driver.Since<SendPublication>().empty());
  CATCH_CHECK(driver.Since<UploadBlob>().empty());
  CATCH_CHECK(driver.Since<ReleaseChunk>().empty());
  std::vector<std::string> deleted;
  for (const DeleteFile& each : driver.Since<DeleteFile>()) deleted.push_back(each.path);
  std::sort(deleted.begin(), deleted.end());
  CATCH_CHECK(deleted == std::vector<std::string>{"AV-10", "AV-20", "BG-20"});

  driver.Forget();
  driver.Connect();
  const std::vector<SendPublication> sent = driver.AnswerAll();
  std::vector<std::string> bg;
  for (const SendPublication& each : sent) {
    if (each.task.task != "train/BG") continue;
    if (const auto* checkpoint = std::get_if<Checkpoint>(&each.body))
      bg.push_back(Cat("step ", checkpoint->step));
    if (const auto* end = std::get_if<ChunkFinished>(&each.body)) bg.push_back(Cat("end ", end->chunk));
  }
  CATCH_CHECK(bg == std::vector<std::string>{"step 30", "end 1", "end 2", "step 40", "end 3"});
}

CATCH_TEST_CASE("out of touch the agent keeps the three-hour clock itself; in touch the coordinator does") {
  Training driver;
  const TrainerMoved late{driver.bg, {.phase = Phase::kTraining, .step = 5, .training_seconds = 3 * 3600.0}};
  driver.Give(late);
  CATCH_CHECK(driver.Since<SaveCheckpoint>().empty());
  driver.Give(Disconnected{});
  CATCH_CHECK(driver.Got<SaveCheckpoint>().size() == 1);
  driver.Give(late);
  CATCH_CHECK(driver.Got<SaveCheckpoint>().empty());
  Checkpoint saved = CheckpointAt("BG", 5);
  saved.training_seconds = late.at.training_seconds;
  driver.Give(TrainerSaved{driver.bg, saved, "BG-5"});
  driver.Give(late);
  CATCH_CHECK(driver.Got<SaveCheckpoint>().empty());
}

CATCH_TEST_CASE("save now reaches the trainer that trains, under the right term only") {
  Training driver;
  driver.Give(SaveNowAsked{{"train/BG", 7}});
  CATCH_CHECK(driver.last.empty());
  driver.Give(SaveNowAsked{{"train/AV", 1}});
  CATCH_CHECK(driver.last.empty());
  driver.Give(SaveNowAsked{{"train/BG", 1}});
  CATCH_REQUIRE(driver.Got<SaveCheckpoint>().size() == 1);
  CATCH_CHECK(driver.Got<SaveCheckpoint>()[0].child == driver.bg);
}

CATCH_TEST_CASE("after a reconnect the unanswered fact comes first, under its old id") {
  Training driver;
  driver.Give(TrainerSaved{driver.bg, CheckpointAt("BG", 4), "BG-4"});
  driver.Give(BlobUploaded{CheckpointAt("BG", 4).blob, absl::OkStatus()});
  const auto first = driver.Got<SendPublication>();
  CATCH_REQUIRE(first.size() == 1);
  driver.Give(Disconnected{});
  driver.Give(TrainerSaved{driver.bg, CheckpointAt("BG", 6), "BG-6"});
  driver.Forget();
  driver.Connect();
  CATCH_REQUIRE(driver.Since<SendPublication>().size() == 1);
  CATCH_CHECK(driver.Since<SendPublication>()[0].request_id == first[0].request_id);
}

CATCH_TEST_CASE("progress is reported at the coordinator's cadence") {
  Training driver;
  driver.Wait(absl::Seconds(5));
  driver.Forget();
  for (int i = 0; i < 10; ++i) driver.Give(TrainerMoved{driver.bg, {.phase = Phase::kTraining, .step = i}});
  CATCH_CHECK(driver.Since<SendProgress>().empty());
  CATCH_REQUIRE(driver.session.NextWake());
  driver.Give(LeaseRenewed{absl::Seconds(2)});
  driver.now = *driver.session.NextWake();
  driver.Give(Ticked{});
  CATCH_CHECK(driver.Since<SendProgress>().size() == 2);
  CATCH_CHECK(*driver.session.NextWake() - driver.now == absl::Seconds(2));
}

CATCH_TEST_CASE("drain: children save and leave, what is unpublished is sent, then goodbye") {
  Training driver;
  driver.Give(TrainerSaved{driver.bg, CheckpointAt("BG", 4), "BG-4"});
  driver.Give(DrainAsked{"maintenance"});
  CATCH_REQUIRE(driver.Got<StopChild>().size() == 2);
  CATCH_CHECK(driver.Got<StopChild>()[0].kind == StopKind::kSaveAndLeave);
  driver.Give(ChildExited{driver.bg, true, "left with exit code 0"});
  driver.Give(ChildExited{driver.av, true, "left with exit code 0"});
  CATCH_CHECK(driver.Since<StartTrainer>().empty());
  CATCH_CHECK(driver.Since<SendGoodbye>().empty());
  CATCH_CHECK(driver.AnswerAll().size() == 1);
  CATCH_REQUIRE(driver.Since<SendGoodbye>().size() == 1);
  CATCH_CHECK(driver.Since<SendGoodbye>()[0].reason == "maintenance");
  CATCH_CHECK(driver.Since<Leave>().size() == 1);
  CATCH_CHECK(driver.Give(Connected{}).empty());
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
    Training driver;
    driver.Give(TrainerSaved{driver.bg, CheckpointAt("BG", 4), "BG-4"});
    driver.Give(StopAsked{});
    driver.Give(ChildExited{driver.bg, true, "left with exit code 0"});
    driver.Give(ChildExited{driver.av, true, "left with exit code 0"});
    CATCH_CHECK(driver.Since<Leave>().empty());
    if (twice) {
      driver.Give(StopAsked{});
    } else {
      driver.now = *driver.session.NextWake() + absl::Minutes(2);
      driver.Give(Ticked{});
    }
    CATCH_CHECK(driver.Since<Leave>().size() == 1);
  }
}

CATCH_TEST_CASE("a coordinator with another plan is not worked for") {
  Training driver;
  driver.Give(Disconnected{});
  driver.plan.digest = "another plan";
  driver.Connect();
  CATCH_CHECK(driver.Since<StopChild>().size() == 2);
  driver.Give(ChildExited{driver.bg, true, "left with exit code 0"});
  driver.Give(ChildExited{driver.av, true, "left with exit code 0"});
  CATCH_CHECK(driver.Since<Leave>().size() == 1);
}

CATCH_TEST_CASE("the whole plan: every chunk once, then nothing is held") {
  Training driver;
  driver.Forget();
  for (int chunk = 0; chunk < kChunks; ++chunk) {
    driver.TrainChunk(driver.bg, "BG", chunk);
    driver.TrainChunk(driver.av, "AV", chunk);
  }
  std::map<std::string, std::vector<int>> finished;
  bool last = false;
  for (const GiveChunk& give : driver.Since<GiveChunk>())
    last = last || (give.last && give.chunk == kChunks - 1);
  CATCH_CHECK(last);
  for (const SendPublication& each : driver.AnswerAll()) {
    if (const auto* end = std::get_if<ChunkFinished>(&each.body))
      finished[each.task.task].push_back(end->chunk);
  }
  CATCH_CHECK(finished["train/BG"] == std::vector<int>{0, 1, 2, 3});
  CATCH_CHECK(finished["train/AV"] == std::vector<int>{0, 1, 2, 3});
  driver.Give(Disconnected{});
  driver.Give(Connected{});
  CATCH_CHECK(driver.Got<SendHello>()[0].held.empty());
}

CATCH_TEST_CASE("a worker that waits for something else than time does not wake for it") {
  SessionDriver driver;
  driver.Connect();
  driver.SeeAllFiles();
  // Prepared here, and nobody to propose its manifest for: no task is held.
  driver.Give(StoreSeen{{{"00", Stored("00")}}});
  CATCH_REQUIRE(driver.session.NextWake());
  CATCH_CHECK(*driver.session.NextWake() > driver.now);

  // A trainer that died is started again after a pause, and not before its chunk is prepared anew.
  SessionDriver waiting;
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
  SessionDriver driver;
  driver.Connect();
  driver.SeeAllFiles();
  driver.Wait(absl::Seconds(5));
  CATCH_REQUIRE(driver.Got<SendChunkFiles>().size() == 1);
  CATCH_CHECK(driver.Got<SendChunkFiles>()[0].files.size() == static_cast<size_t>(kChunks));
  driver.Wait(absl::Seconds(2));
  CATCH_CHECK(driver.Got<SendChunkFiles>().empty());
  driver.Assign("BG");
  driver.Wait(absl::Seconds(5));
  CATCH_CHECK(driver.Got<SendChunkFiles>().empty());
  CATCH_CHECK(driver.Got<SendProgress>().size() == 1);
}

}  // namespace
}  // namespace interceptor::worker
