#include "worker/core/session.h"

#include <algorithm>
#include <set>

#include "common/base/status.h"
#include "tests/support/catch.h"

// A worker's session is driven by hand: each test says what happened and reads what the session wants done.
// The helper Desk only spares repetition: it plays children and a coordinator that accept everything.
namespace interceptor::worker {
namespace {

constexpr int kChunks = 4;

std::string ChunkName(int chunk) { return Cat("0", chunk); }
Digest ManifestDigest(const std::string& chunk) { return DigestOf(Cat("manifest of ", chunk)); }

ManifestFact ManifestOf(const std::string& chunk) {
  return {.chunk = chunk,
          .blob = ManifestDigest(chunk),
          .chunk_sha256 = DigestOf(chunk).hex,
          .clips = 10,
          .families = 5,
          .quarantined = 0};
}

StoredChunk Stored(const std::string& chunk) {
  return {.manifest = ManifestOf(chunk),
          .manifest_path = Cat("store/", chunk, "/manifest.jsonl"),
          .has_train = true};
}

CheckpointFact CheckpointAt(const std::string& specialist, int64_t step) {
  CheckpointFact checkpoint;
  checkpoint.specialist = specialist;
  checkpoint.step = step;
  checkpoint.blob = DigestOf(Cat(specialist, " at ", step));
  checkpoint.training_seconds = static_cast<double>(step);
  checkpoint.reason = "chunk_end";
  return checkpoint;
}

class Desk {
 public:
  Session session{"incarnation"};
  MonotonicTime now{absl::Hours(1)};
  SessionOutputs last;

  SessionOutputs Give(const SessionInput& input) {
    last = session.Handle(input, now);
    for (const SessionOutput& output : last) all_.push_back(output);
    return last;
  }
  SessionOutputs Wait(absl::Duration time) {
    now = now + time;
    return Give(Ticked{});
  }

  // What the last input brought about.
  template <typename T>
  std::vector<T> Got() const {
    return Of<T>(last);
  }
  // Everything since the last Forget.
  template <typename T>
  std::vector<T> Since() const {
    return Of<T>(all_);
  }
  void Forget() { all_.clear(); }

  SessionPlan plan{
      .digest = "plan", .chunks = {}, .checkpoint_period = absl::Hours(3), .pair_together = false};

  void Connect(std::vector<std::string> committed = {}) {
    plan.chunks.clear();
    for (int c = 0; c < kChunks; ++c) plan.chunks.push_back(ChunkName(c));
    Give(Connected{});
    Welcomed welcomed{.plan = plan, .next_report_in = absl::Seconds(5), .manifests = {}, .chunk_sha256 = {}};
    committed_.insert(committed.begin(), committed.end());
    for (const std::string& chunk : committed_) welcomed.manifests.push_back(ManifestOf(chunk));
    Give(welcomed);
  }
  void SeeAllFiles() {
    ChunkFiles files;
    for (int c = 0; c < kChunks; ++c) files[ChunkName(c)] = {100, DigestOf(ChunkName(c)).hex};
    Give(ChunkFilesSeen{files});
  }
  // Everything stored and committed, so that tests of training need not prepare.
  void StoreAll() {
    std::map<std::string, StoredChunk> store;
    for (int c = 0; c < kChunks; ++c) store[ChunkName(c)] = Stored(ChunkName(c));
    Give(StoreSeen{store});
    for (int c = 0; c < kChunks; ++c) {
      Give(ManifestCommitted{ManifestOf(ChunkName(c))});
      committed_.insert(ChunkName(c));
    }
  }
  void Assign(const std::string& specialist, int64_t term = 1, int next_chunk = 0,
              std::optional<CheckpointFact> base = std::nullopt) {
    Give(Assigned{{Cat("train/", specialist), term}, next_chunk, std::move(base), {}});
  }
  // Starts the trainer that was just asked for and says ready.
  ChildId Ready(const std::string& specialist, int next_chunk) {
    const ChildId child = TrainerOf(specialist);
    Give(TrainerReady{child, next_chunk});
    return child;
  }
  ChildId TrainerOf(const std::string& specialist) const {
    ChildId child = 0;
    for (const StartTrainer& start : Since<StartTrainer>()) {
      if (start.specialist == specialist) child = start.child;
    }
    CATCH_REQUIRE(child != 0);
    return child;
  }
  // The trainer's whole chunk, told in the protocol's order.
  void TrainChunk(ChildId child, const std::string& specialist, int chunk) {
    const int64_t step = (chunk + 1) * 10;
    Give(TrainerMoved{
        .child = child, .cursor = {}, .step = step, .training_seconds = static_cast<double>(step)});
    Give(TrainerSaved{child, CheckpointAt(specialist, step), Cat(specialist, "-", step)});
    EvaluationFact evaluation{.specialist = specialist,
                              .kind = "held_out",
                              .chunk = chunk,
                              .step = step,
                              .score_table = DigestOf(Cat("scores ", specialist, chunk))};
    Give(TrainerEvaluated{child, evaluation, Cat("scores-", chunk)});
    Give(TrainerFinishedChunk{child, {chunk, step, static_cast<double>(step)}});
    if (chunk + 1 == kChunks) {
      Give(TrainerFinished{child});
      Give(ChildExited{child, true, "left with exit code 0"});
    } else {
      Give(TrainerReady{child, chunk + 1});
    }
  }
  // Uploads and accepts until the session has nothing more to tell; what was told, in order.
  std::vector<SendPublication> AnswerAll() {
    std::vector<SendPublication> told;
    SessionOutputs todo = all_;
    Forget();
    while (!todo.empty()) {
      SessionOutputs next;
      for (const SessionOutput& output : todo) {
        SessionOutputs brought;
        if (const auto* upload = std::get_if<UploadBlob>(&output))
          brought = Give(BlobUploaded{upload->blob, {}});
        if (const auto* sent = std::get_if<SendPublication>(&output)) {
          told.push_back(*sent);
          brought = Give(Answered{sent->request_id, absl::OkStatus()});
        }
        next.insert(next.end(), brought.begin(), brought.end());
      }
      todo = next;
    }
    return told;
  }

 private:
  template <typename T>
  static std::vector<T> Of(const SessionOutputs& outputs) {
    std::vector<T> found;
    for (const SessionOutput& output : outputs) {
      if (const auto* value = std::get_if<T>(&output)) found.push_back(*value);
    }
    return found;
  }
  SessionOutputs all_;
  std::set<std::string> committed_;  // chunks, by the coordinator that welcomes
};

std::optional<WorkPhase> PhaseReported(const SessionOutputs& outputs, const std::string& task) {
  std::optional<WorkPhase> phase;
  for (const SessionOutput& output : outputs) {
    const auto* progress = std::get_if<SendProgress>(&output);
    if (progress != nullptr && progress->task.task == task) phase = progress->at.phase;
  }
  return phase;
}

std::vector<FailureFact> Failures(const std::vector<SendPublication>& told) {
  std::vector<FailureFact> failures;
  for (const SendPublication& each : told) {
    if (const auto* failure = std::get_if<FailureFact>(&each.body)) failures.push_back(*failure);
  }
  return failures;
}

// A connected worker that trains chunk 0 of BG while AV is ready and waits for its turn.
struct Training : Desk {
  ChildId bg = 0;
  ChildId av = 0;
  Training() {
    Connect();
    SeeAllFiles();
    StoreAll();
    Assign("BG");
    Assign("AV");
    bg = Ready("BG", 0);
    av = Ready("AV", 0);
    Forget();
  }
};

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
  CATCH_CHECK(training.Got<SendHello>()[0].held == std::vector<TaskTerm>{{"train/AV", 1}, {"train/BG", 1}});
  CATCH_CHECK(training.Got<SendHello>()[0].plan_digest == "plan");
}

CATCH_TEST_CASE("a chunk that has not arrived whole is waited for, visibly, and prepared when it has") {
  Desk desk;
  desk.Connect();
  desk.Assign("BG");
  CATCH_CHECK(PhaseReported(desk.last, "train/BG") == WorkPhase::kWaitingForData);
  desk.Give(ChunkFilesSeen{{{"00", {100, ""}}}});
  CATCH_CHECK(desk.Since<StartPreparer>().empty());
  CATCH_CHECK(desk.Got<SendChunkFiles>().size() == 1);
  desk.Give(ChunkFilesSeen{{{"00", {100, DigestOf("00").hex}}}});
  CATCH_REQUIRE(desk.Got<StartPreparer>().size() == 1);
  CATCH_CHECK(desk.Got<StartPreparer>()[0].chunk == "00");
  CATCH_CHECK(PhaseReported(desk.last, "train/BG") == WorkPhase::kPreparing);
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
  CATCH_CHECK(std::get<ManifestFact>(desk.Got<SendPublication>()[0].body) == ManifestOf("00"));
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

CATCH_TEST_CASE("a pair takes turns chunk by chunk, and the one that waits lives by its sibling's progress") {
  Training desk;
  CATCH_REQUIRE(desk.Since<GiveChunk>().empty());
  desk.Wait(absl::Seconds(5));
  CATCH_CHECK(PhaseReported(desk.last, "train/BG") == WorkPhase::kTraining);
  CATCH_CHECK(PhaseReported(desk.last, "train/AV") == WorkPhase::kWaitingForTurn);
  const auto activity = [](const SessionOutputs& outputs) {
    int64_t value = -1;
    for (const SessionOutput& output : outputs) {
      const auto* progress = std::get_if<SendProgress>(&output);
      if (progress != nullptr && progress->task.task == "train/AV") value = progress->activity;
    }
    return value;
  };
  const int64_t before = activity(desk.last);
  desk.Give(TrainerMoved{.child = desk.bg, .cursor = {}, .step = 3});
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
  CATCH_CHECK(std::get<CheckpointFact>(told[0].body).step == 10);
  CATCH_CHECK(std::get<EvaluationFact>(told[1].body).kind == "held_out");
  CATCH_CHECK(std::get<ChunkFinishedFact>(told[2].body).chunk == 0);
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
    if (const auto* checkpoint = std::get_if<CheckpointFact>(&each.body))
      bg.push_back(Cat("step ", checkpoint->step));
    if (const auto* end = std::get_if<ChunkFinishedFact>(&each.body)) bg.push_back(Cat("end ", end->chunk));
  }
  CATCH_CHECK(bg == std::vector<std::string>{"step 30", "end 1", "end 2", "step 40", "end 3"});
}

CATCH_TEST_CASE("out of touch the agent keeps the three-hour clock itself; in touch the coordinator does") {
  Training desk;
  const TrainerMoved late{.child = desk.bg, .cursor = {}, .step = 5, .training_seconds = 3 * 3600.0};
  desk.Give(late);
  CATCH_CHECK(desk.Since<SaveCheckpoint>().empty());
  desk.Give(Disconnected{});
  CATCH_CHECK(desk.Got<SaveCheckpoint>().size() == 1);
  desk.Give(late);
  CATCH_CHECK(desk.Got<SaveCheckpoint>().empty());
  CheckpointFact saved = CheckpointAt("BG", 5);
  saved.training_seconds = late.training_seconds;
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
  for (int i = 0; i < 10; ++i) desk.Give(TrainerMoved{.child = desk.bg, .cursor = {}, .step = i});
  CATCH_CHECK(desk.Since<SendProgress>().empty());
  CATCH_REQUIRE(desk.session.NextWake());
  desk.Give(LeaseRenewed{absl::Seconds(2)});
  desk.now = *desk.session.NextWake();
  desk.Give(Ticked{});
  CATCH_CHECK(desk.Since<SendProgress>().size() == 2);
  CATCH_CHECK(*desk.session.NextWake() - desk.now == absl::Seconds(2));
}

CATCH_TEST_CASE(
    "a dropped task is stopped at once and leaves nothing; a new grant waits for the old process") {
  Training desk;
  desk.Give(TrainerSaved{desk.bg, CheckpointAt("BG", 4), "BG-4"});
  desk.Give(Dropped{{"train/BG", 1}, "moved to another box"});
  CATCH_REQUIRE(desk.Got<StopChild>().size() == 1);
  CATCH_CHECK(desk.Got<StopChild>()[0].kind == StopKind::kAtOnce);
  CATCH_CHECK(desk.Got<DeleteFile>().size() == 1);
  CATCH_CHECK(desk.Got<ReleaseChunk>().size() == 2);
  // The sibling has the device now.
  CATCH_REQUIRE(desk.Got<GiveChunk>().size() == 1);
  CATCH_CHECK(desk.Got<GiveChunk>()[0].child == desk.av);

  desk.Forget();
  desk.Assign("BG", 2);
  desk.Give(TrainerSaved{desk.bg, CheckpointAt("BG", 8), "BG-8"});
  CATCH_CHECK(desk.Since<StartTrainer>().empty());
  CATCH_CHECK(desk.Since<UploadBlob>().empty());
  desk.Give(ChildExited{desk.bg, false, "killed by signal 9 (SIGKILL)"});
  CATCH_CHECK(desk.Since<StartTrainer>().size() == 1);
}

CATCH_TEST_CASE("an old drop does not touch a newer term") {
  Training desk;
  desk.Assign("BG", 2);
  desk.Forget();
  desk.Give(Dropped{{"train/BG", 1}, "late"});
  CATCH_CHECK(desk.Since<StopChild>().empty());
}

CATCH_TEST_CASE("a new term from where this run stands changes nothing but the term") {
  Training desk;
  desk.TrainChunk(desk.bg, "BG", 0);
  desk.AnswerAll();
  desk.Forget();
  desk.Assign("BG", 5, 1, CheckpointAt("BG", 10));
  CATCH_CHECK(desk.Since<StopChild>().empty());
  CATCH_CHECK(desk.Since<FetchBlob>().empty());
  desk.TrainChunk(desk.av, "AV", 0);
  desk.TrainChunk(desk.bg, "BG", 1);
  const auto told = desk.AnswerAll();
  const auto bg =
      std::find_if(told.begin(), told.end(), [](const auto& each) { return each.task.task == "train/BG"; });
  CATCH_REQUIRE(bg != told.end());
  CATCH_CHECK(bg->task.term == 5);
}

CATCH_TEST_CASE("a new term from another checkpoint starts anew from that one") {
  Training desk;
  desk.TrainChunk(desk.bg, "BG", 0);
  desk.Forget();
  desk.Assign("BG", 5, 2, CheckpointAt("BG", 20));
  CATCH_CHECK(desk.Got<StopChild>().size() == 1);
  CATCH_REQUIRE(desk.Got<FetchBlob>().size() == 1);
  CATCH_CHECK(desk.Got<FetchBlob>()[0].blob == CheckpointAt("BG", 20).blob);
  desk.Give(ChildExited{desk.bg, false, "killed by signal 9 (SIGKILL)"});
  CATCH_CHECK(desk.Since<StartTrainer>().empty());
  desk.Give(BlobFetched{CheckpointAt("BG", 20).blob, absl::OkStatus(), "fetched"});
  CATCH_REQUIRE(desk.Got<StartTrainer>().size() == 1);
  CATCH_CHECK(desk.Got<StartTrainer>()[0].resume_path == "fetched");
}

CATCH_TEST_CASE("a checkpoint that was committed though its answer got lost counts as published") {
  Training desk;
  desk.TrainChunk(desk.bg, "BG", 0);
  desk.Give(Disconnected{});
  desk.Forget();
  desk.Connect();
  desk.Assign("BG", 2, 0, CheckpointAt("BG", 10));
  CATCH_CHECK(desk.Since<StopChild>().empty());
  const auto told = desk.AnswerAll();
  bool ended = false;
  for (const SendPublication& each : told) {
    if (each.task != TaskTerm{"train/BG", 2}) continue;
    CATCH_CHECK_FALSE(std::holds_alternative<CheckpointFact>(each.body));
    ended = ended || std::holds_alternative<ChunkFinishedFact>(each.body);
  }
  CATCH_CHECK(ended);
}

CATCH_TEST_CASE("a stale term ends the run") {
  Training desk;
  desk.Give(TrainerSaved{desk.bg, CheckpointAt("BG", 4), "BG-4"});
  desk.Give(BlobUploaded{CheckpointAt("BG", 4).blob, absl::OkStatus()});
  desk.Give(Answered{desk.Got<SendPublication>()[0].request_id, Aborted("term 1 is stale")});
  CATCH_REQUIRE(desk.Got<StopChild>().size() == 1);
  CATCH_CHECK(desk.Got<StopChild>()[0].child == desk.bg);
}

CATCH_TEST_CASE("what stands in a trainer's way is reported at once, until one gets beyond it") {
  Training desk;
  const auto trouble = [&desk]() -> std::string {
    std::string text = "nothing reported";
    for (const SendProgress& report : desk.Got<SendProgress>()) {
      if (report.task.task == "train/BG") text = report.trouble;
    }
    return text;
  };
  desk.Give(TrainerMoved{.child = desk.bg, .cursor = {}, .step = 7});
  desk.Give(ChildHalted{desk.bg, true, "is stopped by signal 19 (SIGSTOP)"});
  CATCH_CHECK(trouble().find("SIGSTOP") != std::string::npos);
  desk.Give(ChildHalted{desk.bg, false, ""});
  CATCH_CHECK(trouble().empty());
  desk.Give(ChildExited{desk.bg, false, "was killed by signal 9 (SIGKILL)"});
  CATCH_CHECK(trouble() ==
              "interceptor-train was killed by signal 9 (SIGKILL) at step 7; started again after 1s");
  desk.Wait(absl::Seconds(2));
  const ChildId next = desk.Ready("BG", 0);
  desk.Give(TrainerMoved{.child = next, .cursor = {}, .step = 7});
  desk.Wait(absl::Seconds(10));
  CATCH_CHECK(trouble().find("SIGKILL") != std::string::npos);
  desk.Give(TrainerMoved{.child = next, .cursor = {}, .step = 8});
  CATCH_CHECK(trouble().empty());
}

CATCH_TEST_CASE("a killed trainer is started again from its newest checkpoint, after a pause") {
  Training desk;
  desk.Give(TrainerSaved{desk.bg, CheckpointAt("BG", 4), "BG-4"});
  desk.Give(ChildExited{desk.bg, false, "killed by signal 9 (SIGKILL)"});
  CATCH_REQUIRE(desk.Got<Note>().size() == 1);
  CATCH_CHECK(desk.Got<Note>()[0].text.find("SIGKILL") != std::string::npos);
  CATCH_CHECK(desk.Got<StartTrainer>().empty());
  desk.now = std::max(desk.now, *desk.session.NextWake());
  desk.Forget();
  desk.Wait(absl::Seconds(1));
  CATCH_REQUIRE(desk.Since<StartTrainer>().size() == 1);
  CATCH_CHECK(desk.Since<StartTrainer>()[0].resume_path == "BG-4");
  // A late word of the dead process means nothing.
  desk.Forget();
  desk.Give(TrainerFinishedChunk{desk.bg, {0, 10, 10}});
  CATCH_CHECK(desk.Since<UploadBlob>().empty());
}

CATCH_TEST_CASE("a trainer that dies again and again without a step forward is reported, with the reason") {
  Training desk;
  desk.Forget();
  ChildId child = desk.bg;
  for (int death = 1; death <= kChildFailuresMax; ++death) {
    desk.Give(ChildExited{child, false, "killed by signal 6 (SIGABRT)"});
    if (death == kChildFailuresMax) break;
    desk.Wait(absl::Minutes(2));
    child = desk.Ready("BG", 0);
  }
  const auto failures = Failures(desk.AnswerAll());
  CATCH_REQUIRE(failures.size() == 1);
  CATCH_CHECK(failures[0].retryable);
  CATCH_CHECK(failures[0].text.find("SIGABRT") != std::string::npos);
  desk.Wait(absl::Hours(1));
  CATCH_CHECK(desk.Since<StartTrainer>().empty());
  // Granted anew, it tries again.
  desk.Assign("BG", 2);
  CATCH_CHECK(desk.Since<StartTrainer>().size() == 1);
}

CATCH_TEST_CASE("steps forward give a trainer its attempts back") {
  Training desk;
  ChildId child = desk.bg;
  for (int death = 1; death <= 2 * kChildFailuresMax; ++death) {
    desk.Give(TrainerMoved{.child = child, .cursor = {}, .step = death});
    desk.Give(ChildExited{child, false, "killed by signal 9 (SIGKILL)"});
    desk.Wait(absl::Minutes(2));
    child = desk.Ready("BG", 0);
  }
  CATCH_CHECK(Failures(desk.AnswerAll()).empty());
}

CATCH_TEST_CASE("a fault that repeating cannot cure pauses the run at once") {
  Training desk;
  desk.Give(ChildFailed{desk.bg, {"FAILED_PRECONDITION", "checkpoint of another architecture", false}});
  desk.Give(ChildExited{desk.bg, false, "left with exit code 1"});
  const auto failures = Failures(desk.AnswerAll());
  CATCH_REQUIRE(failures.size() == 1);
  CATCH_CHECK_FALSE(failures[0].retryable);
  CATCH_CHECK(failures[0].code == "FAILED_PRECONDITION");
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
  desk.Give(ChildFailed{second, {"INVALID_ARGUMENT", "01.zip holds one class", false}});
  desk.Give(ChildExited{second, false, "left with exit code 1"});
  CATCH_CHECK(Failures(desk.AnswerAll()).empty());
  desk.TrainChunk(trainer, "BG", 0);
  const auto failures = Failures(desk.AnswerAll());
  CATCH_REQUIRE(failures.size() == 1);
  CATCH_CHECK(failures[0].text.find("one class") != std::string::npos);
  CATCH_CHECK_FALSE(failures[0].retryable);
}

CATCH_TEST_CASE("a killed preparer is started again after a pause") {
  Desk desk;
  desk.Connect();
  desk.SeeAllFiles();
  desk.Assign("BG");
  desk.Give(ChildExited{desk.Since<StartPreparer>()[0].child, false, "killed by signal 9 (SIGKILL)"});
  CATCH_CHECK(desk.Since<StartPreparer>().size() == 1);
  CATCH_REQUIRE(desk.session.NextWake());
  desk.Wait(absl::Seconds(2));
  CATCH_CHECK(desk.Since<StartPreparer>().size() == 2);
}

std::string TroubleOf(const Desk& desk) {
  const auto reports = desk.Since<SendProgress>();
  return reports.empty() ? "" : reports.back().trouble;
}

// A connected worker whose chunk 00 is being prepared, under a plan whose stall is a minute.
struct Preparing : Desk {
  Preparing() {
    plan.stall = absl::Minutes(1);
    Connect();
    SeeAllFiles();
    Assign("BG");
  }
  ChildId preparer() const { return Since<StartPreparer>().back().child; }
};

CATCH_TEST_CASE("a preparer that shows no progress for the plan's stall is ended and started again") {
  Preparing desk;
  for (int64_t done = 1; done <= 20; ++done) {
    desk.Give(PreparerMoved{desk.preparer(), done});
    desk.Wait(absl::Seconds(20));
  }
  CATCH_CHECK(desk.Since<StopChild>().empty());
  for (int i = 0; i < 3; ++i) desk.Wait(absl::Seconds(15));
  CATCH_REQUIRE(desk.Since<StopChild>().size() == 1);
  CATCH_CHECK(desk.Since<StopChild>()[0].child == desk.preparer());
  CATCH_CHECK(desk.Since<StopChild>()[0].kind == StopKind::kAtOnce);
  desk.Give(ChildExited{desk.preparer(), false, "killed by signal 9 (SIGKILL)"});
  desk.Wait(absl::Seconds(5));
  CATCH_REQUIRE(desk.Since<StartPreparer>().size() == 2);
  CATCH_CHECK(TroubleOf(desk).find("no progress for 1m") != std::string::npos);
  desk.Give(PreparerMoved{desk.preparer(), 1});
  desk.Wait(absl::Seconds(5));
  CATCH_CHECK(TroubleOf(desk).empty());
}

CATCH_TEST_CASE("time in which the box slept does not count against a preparer, nor does a drop of its run") {
  Preparing desk;
  desk.Give(PreparerMoved{desk.preparer(), 1});
  desk.Wait(absl::Hours(8));
  desk.Give(Dropped{{"train/BG", 1}, "elsewhere now"});
  CATCH_CHECK(desk.Since<StopChild>().empty());
  desk.Wait(absl::Seconds(15));
  CATCH_CHECK(desk.Since<StopChild>().empty());
}

CATCH_TEST_CASE("a worker wakes often enough to notice a preparer that hangs, in touch or not") {
  Preparing desk;
  desk.Give(Disconnected{});
  for (int i = 0; i < 10 && desk.Since<StopChild>().empty(); ++i) {
    CATCH_REQUIRE(desk.session.NextWake());
    desk.Wait(*desk.session.NextWake() - desk.now);
  }
  CATCH_CHECK(desk.Since<StopChild>().size() == 1);
}

CATCH_TEST_CASE("a full disk under the clip store is waited for, however long, and said") {
  Preparing desk;
  for (int i = 0; i < 50; ++i) {
    const ChildId child = desk.preparer();
    desk.Give(ChildFailed{child, {"RESOURCE_EXHAUSTED", "the store's disk is full", true}});
    desk.Give(ChildExited{child, true, "left with exit code 1"});
    desk.Wait(kFullPause);
    CATCH_REQUIRE(desk.preparer() != child);
  }
  CATCH_CHECK(TroubleOf(desk).find("the store's disk is full") != std::string::npos);
  // The lease lives meanwhile: every try counts as activity.
  const auto reports = desk.Since<SendProgress>();
  CATCH_CHECK(reports.back().activity > reports.front().activity + 40);
  CATCH_CHECK(Failures(desk.AnswerAll()).empty());
}

CATCH_TEST_CASE("a full disk under a trainer is waited for, however long, and said") {
  Training desk;
  ChildId child = desk.bg;
  for (int i = 0; i < 50; ++i) {
    desk.Give(ChildFailed{child, {"RESOURCE_EXHAUSTED", "the work folder's disk is full", true}});
    desk.Give(ChildExited{child, true, "left with exit code 1"});
    desk.Wait(kFullPause);
    CATCH_REQUIRE(desk.TrainerOf("BG") != child);
    child = desk.TrainerOf("BG");
  }
  CATCH_CHECK(Failures(desk.AnswerAll()).empty());
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
    if (const auto* end = std::get_if<ChunkFinishedFact>(&each.body))
      finished[each.task.task].push_back(end->chunk);
  }
  CATCH_CHECK(finished["train/BG"] == std::vector<int>{0, 1, 2, 3});
  CATCH_CHECK(finished["train/AV"] == std::vector<int>{0, 1, 2, 3});
  desk.Give(Disconnected{});
  desk.Give(Connected{});
  CATCH_CHECK(desk.Got<SendHello>()[0].held.empty());
}

CATCH_TEST_CASE("what an earlier start of the agent left unpublished is published, and trained on from") {
  Desk desk;
  desk.Connect();
  desk.SeeAllFiles();
  desk.StoreAll();
  Assigned assigned{{"train/BG", 1}, 0, CheckpointAt("BG", 4), {}};
  assigned.memory.files = {{CheckpointAt("BG", 4).blob, "BG-4", 4},
                           {CheckpointAt("BG", 10).blob, "BG-10", 10}};
  assigned.memory.unpublished = {{CheckpointAt("BG", 10), "BG-10"}};
  desk.Give(assigned);
  CATCH_CHECK(desk.Since<FetchBlob>().empty());
  CATCH_REQUIRE(desk.Since<StartTrainer>().size() == 1);
  CATCH_CHECK(desk.Since<StartTrainer>()[0].resume_path == "BG-10");
  // The model stands behind chunk 0, whose scores nobody has heard of: the chunk is ordered again for them.
  desk.Ready("BG", 1);
  CATCH_REQUIRE(desk.Got<GiveChunk>().size() == 1);
  CATCH_CHECK(desk.Got<GiveChunk>()[0].chunk == 0);
  const auto told = desk.AnswerAll();
  CATCH_REQUIRE(told.size() == 1);
  CATCH_CHECK(std::get<CheckpointFact>(told[0].body).step == 10);
}

CATCH_TEST_CASE(
    "a killed agent goes on from its memory in the middle of the next chunk and tells each fact once") {
  Training desk;
  desk.Give(Disconnected{});
  desk.TrainChunk(desk.bg, "BG", 0);
  desk.TrainChunk(desk.av, "AV", 0);
  RunMemory memory;
  for (const RememberRun& each : desk.Since<RememberRun>()) {
    if (each.specialist == "BG") memory = each.memory;
  }
  CATCH_CHECK(memory.next_chunk == 1);
  CATCH_CHECK(memory.unpublished.size() == 3);

  Desk anew;
  anew.Connect();
  anew.SeeAllFiles();
  anew.StoreAll();
  anew.Give(Assigned{{"train/BG", 1}, 0, std::nullopt, memory});
  CATCH_REQUIRE(anew.Since<StartTrainer>().size() == 1);
  CATCH_CHECK(anew.Since<StartTrainer>()[0].resume_path == "BG-10");
  anew.Ready("BG", 1);
  CATCH_REQUIRE(anew.Got<GiveChunk>().size() == 1);
  CATCH_CHECK(anew.Got<GiveChunk>()[0].chunk == 1);
  CATCH_CHECK(anew.AnswerAll().size() == 3);
  CATCH_CHECK(anew.Since<RememberRun>().back().memory.unpublished.empty());
}

CATCH_TEST_CASE("a memory that the grant does not lead to is thrown away") {
  Desk desk;
  desk.Connect();
  desk.SeeAllFiles();
  desk.StoreAll();
  RunMemory memory{.next_chunk = 1, .files = {{CheckpointAt("BG", 10).blob, "BG-10", 10}}, .unpublished = {}};
  desk.Give(Assigned{{"train/BG", 7}, 2, CheckpointAt("BG", 20), memory});
  CATCH_REQUIRE(desk.Got<DeleteFile>().size() == 1);
  CATCH_CHECK(desk.Got<DeleteFile>()[0].path == "BG-10");
  CATCH_CHECK(desk.Got<FetchBlob>().size() == 1);
  CATCH_REQUIRE(desk.Got<RememberRun>().size() == 1);
  CATCH_CHECK(desk.Got<RememberRun>()[0].memory.empty());
}

CATCH_TEST_CASE("manifests are proposed in the plan's order, because each rests on those before it") {
  Desk desk;
  desk.Connect();
  desk.Give(ChunkFilesSeen{{{"01", {100, DigestOf("01").hex}}}});
  desk.Assign("BG");
  desk.Give(ManifestBuilt{desk.Since<StartPreparer>().back().child, Stored("01")});
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
  CATCH_CHECK(std::get<ManifestFact>(told[0].body).chunk == "01");
}

CATCH_TEST_CASE("the integrator works on one round after the other and tells each once") {
  Desk desk;
  desk.Connect();
  desk.Give(Assigned{{"integrate", 1}, 0, std::nullopt, {}});
  desk.Give(RoundIsReady{0, {}, false});
  CATCH_REQUIRE(desk.Got<IntegrateRound>().size() == 1);
  desk.Give(RoundIsReady{0, {}, false});
  CATCH_CHECK(desk.Got<IntegrateRound>().empty());
  desk.Give(RoundIsReady{1, {}, true});
  CATCH_CHECK(desk.Got<IntegrateRound>().empty());
  desk.Give(RoundIntegrated{0, Unavailable("the vault is away")});
  CATCH_CHECK(desk.Got<IntegrateRound>().empty());
  desk.now = desk.now + absl::Minutes(1);
  CATCH_REQUIRE(desk.Give(Ticked{}).size() >= 1);
  CATCH_REQUIRE(desk.Got<IntegrateRound>().size() == 1);
  CATCH_CHECK(desk.Got<IntegrateRound>()[0].chunk == 0);
  desk.Give(RoundIntegrated{0, absl::OkStatus()});
  CATCH_REQUIRE(desk.Got<IntegrateRound>().size() == 1);
  CATCH_CHECK(desk.Got<IntegrateRound>()[0].last);
  CATCH_REQUIRE(desk.Got<SendPublication>().size() == 1);
  CATCH_CHECK(std::get<ChunkFinishedFact>(desk.Got<SendPublication>()[0].body).chunk == 0);
  CATCH_CHECK(desk.Got<SendPublication>()[0].task == TaskTerm{"integrate", 1});
  desk.Give(RoundIsReady{0, {}, false});
  CATCH_CHECK(desk.Got<IntegrateRound>().empty());
  desk.Wait(absl::Seconds(5));
  CATCH_CHECK(PhaseReported(desk.last, "integrate") == WorkPhase::kIntegrating);
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

CATCH_TEST_CASE("a base beyond the coordinator's next chunk proves the chunks between, and the run goes on") {
  Desk desk;
  desk.Connect();
  desk.SeeAllFiles();
  desk.StoreAll();
  CheckpointFact base = CheckpointAt("BG", 35);
  base.cursor = {.chunk = 3, .epoch = 0, .position = 5, .seed = 1};
  base.reason = "save_now";
  desk.Assign("BG", 2, 1, base);
  desk.Give(BlobFetched{base.blob, absl::OkStatus(), "base"});
  const ChildId child = desk.Ready("BG", 3);
  CATCH_REQUIRE(desk.Since<GiveChunk>().size() == 1);
  CATCH_CHECK(desk.Since<GiveChunk>()[0].child == child);
  CATCH_CHECK(desk.Since<GiveChunk>()[0].chunk == 3);
  for (int chunk = 1; chunk < 3; ++chunk) {
    const auto sent = desk.Since<SendPublication>();
    CATCH_REQUIRE(!sent.empty());
    CATCH_CHECK(std::get<ChunkFinishedFact>(sent.back().body) == ChunkFinishedFact{chunk, 35, 35});
    desk.Give(Answered{sent.back().request_id, absl::OkStatus()});
  }
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
