// Children that die, hang, or find the disk full.
#include <algorithm>

#include "tests/support/session_desk.h"

namespace interceptor::worker {
namespace {

CATCH_TEST_CASE("what stands in a trainer's way is reported at once, until one gets beyond it") {
  Training desk;
  const auto trouble = [&desk]() -> std::string {
    std::string text = "nothing reported";
    for (const SendProgress& report : desk.Got<SendProgress>()) {
      if (report.progress.task.task == "train/BG") text = report.progress.trouble;
    }
    return text;
  };
  desk.Give(TrainerMoved{desk.bg, {.phase = Phase::kTraining, .step = 7}});
  desk.Give(ChildHalted{desk.bg, true, "is stopped by signal 19 (SIGSTOP)"});
  CATCH_CHECK(trouble().find("SIGSTOP") != std::string::npos);
  desk.Give(ChildHalted{desk.bg, false, ""});
  CATCH_CHECK(trouble().empty());
  desk.Give(ChildExited{desk.bg, false, "was killed by signal 9 (SIGKILL)"});
  CATCH_CHECK(trouble() ==
              "interceptor-train was killed by signal 9 (SIGKILL) at step 7; started again after 1s");
  desk.Wait(absl::Seconds(2));
  const ChildId next = desk.Ready("BG", 0);
  desk.Give(TrainerMoved{next, {.phase = Phase::kTraining, .step = 7}});
  desk.Wait(absl::Seconds(10));
  CATCH_CHECK(trouble().find("SIGKILL") != std::string::npos);
  desk.Give(TrainerMoved{next, {.phase = Phase::kTraining, .step = 8}});
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
    desk.Give(TrainerMoved{child, {.phase = Phase::kTraining, .step = death}});
    desk.Give(ChildExited{child, false, "killed by signal 9 (SIGKILL)"});
    desk.Wait(absl::Minutes(2));
    child = desk.Ready("BG", 0);
  }
  CATCH_CHECK(Failures(desk.AnswerAll()).empty());
}

CATCH_TEST_CASE("a fault that repeating cannot cure pauses the run at once") {
  Training desk;
  desk.Give(ChildFailed{
      desk.bg, {absl::StatusCode::kFailedPrecondition, "checkpoint of another architecture", false}});
  desk.Give(ChildExited{desk.bg, false, "left with exit code 1"});
  const auto failures = Failures(desk.AnswerAll());
  CATCH_REQUIRE(failures.size() == 1);
  CATCH_CHECK_FALSE(failures[0].retryable);
  CATCH_CHECK(failures[0].code == absl::StatusCode::kFailedPrecondition);
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
  return reports.empty() ? "" : reports.back().progress.trouble;
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
    desk.Give(ChildFailed{child, {absl::StatusCode::kResourceExhausted, "the store's disk is full", true}});
    desk.Give(ChildExited{child, true, "left with exit code 1"});
    desk.Wait(kFullPause);
    CATCH_REQUIRE(desk.preparer() != child);
  }
  CATCH_CHECK(TroubleOf(desk).find("the store's disk is full") != std::string::npos);
  // The lease lives meanwhile: every try counts as activity.
  const auto reports = desk.Since<SendProgress>();
  CATCH_CHECK(reports.back().progress.activity > reports.front().progress.activity + 40);
  CATCH_CHECK(Failures(desk.AnswerAll()).empty());
}

CATCH_TEST_CASE("a full disk under a trainer is waited for, however long, and said") {
  Training desk;
  ChildId child = desk.bg;
  for (int i = 0; i < 50; ++i) {
    desk.Give(
        ChildFailed{child, {absl::StatusCode::kResourceExhausted, "the work folder's disk is full", true}});
    desk.Give(ChildExited{child, true, "left with exit code 1"});
    desk.Wait(kFullPause);
    CATCH_REQUIRE(desk.TrainerOf("BG") != child);
    child = desk.TrainerOf("BG");
  }
  CATCH_CHECK(Failures(desk.AnswerAll()).empty());
}

}  // namespace
}  // namespace interceptor::worker
