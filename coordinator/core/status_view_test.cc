// What people see.
#include "coordinator/core/status_view.h"

#include <algorithm>

#include "common/base/status.h"
#include "coordinator/core/limits.h"
#include "coordinator/core/problems.h"
#include "coordinator/core/queries.h"
#include "tests/support/catch.h"
#include "tests/support/scenario.h"

namespace interceptor::coordinator {
namespace {

using Catch::Matchers::ContainsSubstring;

const TaskView& TaskNamed(const StatusView& view, const std::string& name) {
  return *std::find_if(view.tasks.begin(), view.tasks.end(), [&](const auto& t) { return t.task == name; });
}

CATCH_TEST_CASE("a plan nobody works on says who is missing") {
  Scenario s;
  StatusView view = BuildStatus(s.state, s.now);
  CATCH_CHECK(view.problems.empty());
  CATCH_CHECK(view.plan_name == "small");
  CATCH_CHECK(view.tasks.size() == 5);
  CATCH_CHECK(view.workers.size() == 3);
  CATCH_CHECK(view.chunks_total == 3);
  CATCH_CHECK(view.tasks[0].state == TaskState::kWaiting);
  CATCH_CHECK_THAT(view.tasks[0].reason, ContainsSubstring("ana's worker to connect"));
  s.Wait(absl::Seconds(40));
  view = BuildStatus(s.state, s.now);
  CATCH_REQUIRE(view.problems.size() == 3);
  CATCH_CHECK_THAT(view.problems[0], ContainsSubstring("ana's worker is not connected (40s)"));
}

CATCH_TEST_CASE("a running task shows holder, progress, checkpoint and evaluation") {
  Scenario s;
  const SessionId ana = s.Attach("ana");
  s.Attach("bo");
  s.Attach("zoe");
  s.TrainChunk(ana, "train/BG");
  Progress progress = s.At("train/BG", Phase::kTraining, 150);
  progress.loss = 0.5;
  CATCH_REQUIRE(s.Report(ana, progress).ok());
  s.now = s.now + absl::Seconds(3);
  const StatusView view = BuildStatus(s.state, s.now);
  CATCH_CHECK(view.problems.empty());
  const TaskView& task = TaskNamed(view, "train/BG");
  CATCH_CHECK(task.state == TaskState::kRunning);
  CATCH_CHECK(task.home_member == "ana");
  CATCH_CHECK(task.holder_member == "ana");
  CATCH_CHECK(task.holder_box == "ana-box");
  CATCH_CHECK(task.term == 1);
  CATCH_CHECK(task.chunks_finished == 1);
  CATCH_CHECK(task.chunks_total == 3);
  CATCH_CHECK(task.reason == "training");
  CATCH_CHECK(task.progress->loss == 0.5);
  CATCH_CHECK(task.since_progress == absl::Seconds(3));
  CATCH_CHECK(task.lease_left == absl::Seconds(27));
  CATCH_CHECK(task.newest_checkpoint->checkpoint.step == 100);
  CATCH_CHECK(task.newest_held_out->auc == 0.75);
  CATCH_CHECK_FALSE(task.checkpoint_overdue);
  CATCH_CHECK(view.workers[0].connected);
  CATCH_CHECK(view.workers[0].tasks == std::vector<std::string>{"train/BG", "train/AV"});
  CATCH_CHECK(view.chunks[0].finished_by == std::vector<std::string>{"BG"});
  CATCH_CHECK(view.chunks[0].members == std::vector<std::string>{"ana", "bo", "zoe"});
  CATCH_CHECK(view.chunks[0].manifest->clips == 10);
  CATCH_CHECK(view.quarantined == 1);
  CATCH_CHECK(view.checkpoints.size() == 1);
  CATCH_CHECK(view.evaluations.size() == 1);
  CATCH_CHECK(view.rounds_finished == 0);
  CATCH_CHECK(view.events == static_cast<int64_t>(s.journal.size()));
  CATCH_CHECK_THAT(TaskNamed(view, "integrate").reason, ContainsSubstring("nothing reported yet"));
}

CATCH_TEST_CASE("what a worker says stands in its way is the reason, and a problem") {
  Scenario s;
  const SessionId ana = s.Attach("ana");
  Progress progress = s.At("train/BG", Phase::kTraining, 150);
  progress.trouble = "interceptor-train was killed";
  CATCH_REQUIRE(s.Report(ana, progress).ok());
  const StatusView view = BuildStatus(s.state, s.now);
  CATCH_CHECK(TaskNamed(view, "train/BG").reason == "interceptor-train was killed");
  CATCH_CHECK(
      std::count(view.problems.begin(), view.problems.end(), "train/BG: interceptor-train was killed") == 1);
}

CATCH_TEST_CASE("a run that validates worse than its best twice in a row is a problem until it does not") {
  Scenario s;
  const SessionId ana = s.Attach("ana");
  const auto validate = [&](int64_t step, int worse_in_a_row) {
    EvaluationReported report = s.MakeEvaluation(ana, "train/BG", 0);
    report.evaluation.kind = EvaluationKind::kValidation;
    report.evaluation.score_table = FakeDigest(Cat("validation ", step));
    report.evaluation.step = step;
    report.evaluation.best_step = 500;
    report.evaluation.rise_low = 0.02;
    report.evaluation.rise_high = 0.15;
    report.evaluation.worse_in_a_row = worse_in_a_row;
    CATCH_REQUIRE(s.Do(report).ok());
    const std::vector<std::string> problems = BuildStatus(s.state, s.now).problems;
    return std::count_if(problems.begin(), problems.end(),
                         [](const std::string& line) { return line.find("overfits") != std::string::npos; });
  };
  const auto newest_kind = [&] { return Describe(s.journal.back().body).kind; };
  CATCH_CHECK(validate(1000, 1) == 0);
  CATCH_CHECK(newest_kind() == "evaluation_recorded");
  CATCH_CHECK(validate(1500, 2) == 1);
  CATCH_CHECK(newest_kind() == "overfitting");
  CATCH_CHECK_THAT(Describe(s.journal.back().body).text,
                   ContainsSubstring("step 1500") && ContainsSubstring("2 times in a row"));
  const StatusView view = BuildStatus(s.state, s.now);
  CATCH_CHECK_THAT(view.problems[0], ContainsSubstring("train/BG overfits: validation at step 1500") &&
                                         ContainsSubstring("0.020 to 0.150 above its best at step 500") &&
                                         ContainsSubstring("interceptor pin"));
  CATCH_CHECK(TaskNamed(view, "train/BG").newest_validation->step == 1500);
  CATCH_CHECK_FALSE(TaskNamed(view, "train/BG").newest_held_out.has_value());
  CATCH_CHECK_FALSE(TaskNamed(view, "train/AV").newest_validation.has_value());
  CATCH_CHECK(view.evaluations.size() == 1);
  CATCH_CHECK(validate(2000, 3) == 1);
  CATCH_CHECK(validate(2500, 0) == 0);
}

CATCH_TEST_CASE("reasons: waiting for data, no progress, paused, draining, done") {
  Scenario s;
  const SessionId ana = s.Attach("ana", {.chunks = {}});
  CATCH_REQUIRE(s.Report(ana, s.At("train/BG", Phase::kWaitingForData, 0)).ok());
  CATCH_CHECK(TaskNamed(BuildStatus(s.state, s.now), "train/BG").reason ==
              "waiting for chunk 00 on ana's box ana-box: the file is not there");
  CATCH_REQUIRE(s.Report(ana, s.At("train/BG", Phase::kTraining, 1)).ok());
  s.now = s.now + absl::Seconds(20);
  CATCH_CHECK(TaskNamed(BuildStatus(s.state, s.now), "train/BG").reason == "training, no progress for 20s");
  CATCH_REQUIRE(
      s.Do(TaskFailed{ana, s.NextId(), s.Ref("train/BG"), absl::StatusCode::kDataLoss, "bad zip", false})
          .ok());
  StatusView view = BuildStatus(s.state, s.now);
  CATCH_CHECK(TaskNamed(view, "train/BG").state == TaskState::kPaused);
  CATCH_CHECK(TaskNamed(view, "train/BG").reason == "DATA_LOSS: bad zip");
  CATCH_CHECK(TaskNamed(view, "train/BG").progress->step == 1);  // how far it was
  CATCH_CHECK_THAT(view.problems[0], ContainsSubstring("train/BG is paused: DATA_LOSS: bad zip") &&
                                         ContainsSubstring("resume"));
  CATCH_REQUIRE(s.Do(PausePlan{"", "lunch"}).ok());
  view = BuildStatus(s.state, s.now);
  CATCH_CHECK(view.paused);
  CATCH_CHECK(TaskNamed(view, "train/CM").state == TaskState::kPaused);
  CATCH_CHECK_THAT(TaskNamed(view, "train/CM").reason, ContainsSubstring("lunch"));
}

CATCH_TEST_CASE(
    "why a copy is not taken is told where it is waited for, and a problem when a person must act") {
  Scenario s;
  const SessionId ana = s.Attach("ana", {.chunks = {}});
  CATCH_REQUIRE(s.Report(ana, s.At("train/BG", Phase::kWaitingForData, 0)).ok());
  const auto look = [&](const std::string& problem, bool needs_action) {
    CATCH_REQUIRE(s.Do(InventoryReported{ana, {{"00", 10, "", problem, needs_action}}}).ok());
    return BuildStatus(s.state, s.now);
  };
  StatusView view = look("", false);
  CATCH_CHECK(TaskNamed(view, "train/BG").reason ==
              "waiting for chunk 00 on ana's box ana-box: its digest is being computed");
  CATCH_CHECK(view.chunks[0].problems.empty());

  view = look("still being\ncopied", false);
  CATCH_CHECK(TaskNamed(view, "train/BG").reason ==
              "waiting for chunk 00 on ana's box ana-box: still being copied");
  CATCH_CHECK(view.problems.empty());
  CATCH_CHECK(view.chunks[0].problems.at(0).member == "ana");

  view = look("cut short; copy it again", true);
  CATCH_REQUIRE(view.problems.size() == 1);
  CATCH_CHECK(view.problems[0] == "chunk 00 on ana's box ana-box: cut short; copy it again");
  CATCH_CHECK(view.chunks[0].problems.at(0).needs_action);
}

CATCH_TEST_CASE("problems come worst first, each naming the thing and the remedy") {
  Scenario s;
  const SessionId ana = s.Attach("ana");
  CATCH_REQUIRE(s.CommitManifest(ana, "train/BG", "00").ok());
  CATCH_REQUIRE(s.CommitCheckpoint(ana, "train/BG", 100).ok());
  Progress late = s.At("train/BG", Phase::kTraining, 200);
  late.training_seconds = 100 + 1.3 * 3 * 3600;
  CATCH_REQUIRE(s.Report(ana, late).ok());
  CATCH_CHECK(CheckpointIsOverdue(s.state, "train/BG"));
  CATCH_CHECK_FALSE(CheckpointIsOverdue(s.state, "integrate"));
  Hello bo = s.MakeHello("bo");
  bo.chunks[0].sha256 = FakeHex("other");
  CATCH_REQUIRE(s.Do(SessionOpened{60, bo}).ok());
  CATCH_REQUIRE(s.Do(BlobChecked{FakeDigest("BG 100"), false}).ok());
  CATCH_REQUIRE(s.Do(SpaceReported{5, 700}).ok());
  s.now = s.now + absl::Minutes(1);
  const StatusView view = BuildStatus(s.state, s.now);
  CATCH_REQUIRE(view.problems.size() == 5);
  CATCH_CHECK_THAT(view.problems[0], ContainsSubstring("disk is low: 5 bytes free"));
  CATCH_CHECK_THAT(view.problems[1], ContainsSubstring("BG-000000000100 is damaged"));
  CATCH_CHECK_THAT(view.problems[2], ContainsSubstring("chunk 00 on bo's box bo-box: it is another file"));
  CATCH_CHECK_THAT(view.problems[3], ContainsSubstring("zoe's worker is not connected"));
  CATCH_CHECK_THAT(view.problems[4], ContainsSubstring("overdue"));
  CATCH_CHECK(view.chunks[0].differing_members == std::vector<std::string>{"bo"});
  CATCH_CHECK(view.disk_free_bytes == 5);
  CATCH_CHECK(view.vault_bytes == 700);
  CATCH_CHECK(TaskNamed(view, "train/CM").reason == "the coordinator's disk is low");
  CATCH_CHECK(TaskNamed(view, "train/BG").checkpoint_overdue);
  CATCH_CHECK(view.checkpoints[0].damaged);
}

CATCH_TEST_CASE("a finished plan has no problems, whoever left") {
  Scenario s;
  for (const char* member : {"ana", "bo", "zoe"}) s.Attach(member);
  s.TrainEverything();
  s.Wait(absl::Minutes(5));
  const StatusView view = BuildStatus(s.state, s.now);
  CATCH_CHECK(view.done);
  CATCH_CHECK(view.problems.empty());
  CATCH_CHECK(view.rounds_finished == 3);
  CATCH_CHECK(view.tasks[0].state == TaskState::kDone);
  CATCH_CHECK(view.tasks[0].chunks_finished == 3);
  CATCH_CHECK(view.checkpoints.size() == 8);
  CATCH_CHECK_FALSE(view.workers[0].connected);
}

CATCH_TEST_CASE(
    "a disk that the plan's checkpoints will not fit on is said before it is low, and no more once they do") {
  Scenario s;
  const SessionId ana = s.Attach("ana");
  const auto forecast = [&](int64_t free_bytes) {
    CATCH_REQUIRE(s.Do(SpaceReported{free_bytes, 0}).ok());
    const auto problems = BuildStatus(s.state, s.now).problems;
    return std::count_if(problems.begin(), problems.end(), [](const std::string& line) {
      return line.find("disk will run low") != std::string::npos;
    });
  };
  // Four specialists, of each the two kept and the one on its way.
  const int64_t needed = kFreeBytesMin + 4 * 3 * kCheckpointBytesUsual;
  CATCH_CHECK(forecast(needed - 1) == 1);
  CATCH_CHECK(forecast(needed) == 0);
  CATCH_CHECK(forecast(kFreeBytesMin - 1) == 0);  // low by now, which is said instead
  // The true size is known from the first one on.
  CATCH_REQUIRE(s.CommitManifest(ana, "train/BG", "00").ok());
  CATCH_REQUIRE(s.CommitCheckpoint(ana, "train/BG", 100).ok());
  const int64_t size = NewestCheckpoint(s.state, "BG")->blob.size_bytes;
  CATCH_CHECK(CheckpointBytesToCome(s.state) == (4 * 3 - 1) * size);
  CATCH_CHECK(forecast(needed - 1) == 0);
}

}  // namespace
}  // namespace interceptor::coordinator
