// Children that die, hang, or find the disk full.
#include <algorithm>

#include "tests/support/session_driver.h"

namespace interceptor::worker {
namespace {

CATCH_TEST_CASE("what stands in a trainer's way is reported at once, until one gets beyond it") {
  Training driver;
  const auto trouble = [&driver]() -> std::string {
    std::string text = "nothing reported";
    for (const SendProgress& report : driver.Got<SendProgress>()) {
      if (report.progress.task.task == "train/BG") text = report.progress.trouble;
    }
    return text;
  };
  driver.Give(TrainerMoved{driver.bg, {.phase = Phase::kTraining, .step = 7}});
  driver.Give(ChildHalted{driver.bg, true, "is stopped by signal 19 (SIGSTOP)"});
  CATCH_CHECK(trouble().find("SIGSTOP") != std::string::npos);
  driver.Give(ChildHalted{driver.bg, false, ""});
  CATCH_CHECK(trouble().empty());
  driver.Give(ChildExited{driver.bg, false, "was killed by signal 9 (SIGKILL)"});
  CATCH_CHECK(trouble() ==
              "interceptor-train was killed by signal 9 (SIGKILL) at step 7; started again after 1s");
  driver.Wait(absl::Seconds(2));
  const ChildId next = driver.Ready("BG", 0);
  driver.Give(TrainerMoved{next, {.phase = Phase::kTraining, .step = 7}});
  driver.Wait(absl::Seconds(10));
  CATCH_CHECK(trouble().find("SIGKILL") != std::string::npos);
  driver.Give(TrainerMoved{next, {.phase = Phase::kTraining, .step = 8}});
  CATCH_CHECK(trouble().empty());
}

CATCH_TEST_CASE("a killed trainer is started again from its newest checkpoint, after a pause") {
  Training driver;
  driver.Give(TrainerSaved{driver.bg, CheckpointAt("BG", 4), "BG-4"});
  driver.Give(ChildExited{driver.bg, false, "killed by signal 9 (SIGKILL)"});
  CATCH_REQUIRE(driver.Got<Note>().size() == 1);
  CATCH_CHECK(driver.Got<Note>()[0].text.find("SIGKILL") != std::string::npos);
  CATCH_CHECK(driver.Got<StartTrainer>().empty());
  driver.now = std::max(driver.now, *driver.session.NextWake());
  driver.Forget();
  driver.Wait(absl::Seconds(1));
  CATCH_REQUIRE(driver.Since<StartTrainer>().size() == 1);
  CATCH_CHECK(driver.Since<StartTrainer>()[0].resume_path == "BG-4");
  // A late word of the dead process means nothing.
  driver.Forget();
  driver.Give(TrainerFinishedChunk{driver.bg, {0, 10, 10}});
  CATCH_CHECK(driver.Since<UploadBlob>().empty());
}

CATCH_TEST_CASE("a trainer that dies again and again without a step forward is reported, with the reason") {
  Training driver;
  driver.Forget();
  ChildId child = driver.bg;
  for (int failure = 1; failure <= kChildFailuresMax; ++failure) {
    driver.Give(ChildExited{child, false, "killed by signal 6 (SIGABRT)"});
    if (failure == kChildFailuresMax) break;
    driver.Wait(absl::Minutes(2));
    child = driver.Ready("BG", 0);
  }
  const auto failures = Failures(driver.AnswerAll());
  CATCH_REQUIRE(failures.size() == 1);
  CATCH_CHECK(failures[0].retryable);
  CATCH_CHECK(failures[0].text.find("SIGABRT") != std::string::npos);
  driver.Wait(absl::Hours(1));
  CATCH_CHECK(driver.Since<StartTrainer>().empty());
  // Granted anew, it tries again.
  driver.Assign("BG", 2);
  CATCH_CHECK(driver.Since<StartTrainer>().size() == 1);
}

CATCH_TEST_CASE("steps forward give a trainer its attempts back") {
  Training driver;
  ChildId child = driver.bg;
  for (int failure = 1; failure <= 2 * kChildFailuresMax; ++failure) {
    driver.Give(TrainerMoved{child, {.phase = Phase::kTraining, .step = failure}});
    driver.Give(ChildExited{child, false, "killed by signal 9 (SIGKILL)"});
    driver.Wait(absl::Minutes(2));
    child = driver.Ready("BG", 0);
  }
  CATCH_CHECK(Failures(driver.AnswerAll()).empty());
}

CATCH_TEST_CASE("a fault that repeating cannot cure pauses the run at once") {
  Training driver;
  driver.Give(ChildFailed{
      driver.bg, {absl::StatusCode::kFailedPrecondition, "checkpoint of another architecture", false}});
  driver.Give(ChildExited{driver.bg, false, "left with exit code 1"});
  const auto failures = Failures(driver.AnswerAll());
  CATCH_REQUIRE(failures.size() == 1);
  CATCH_CHECK_FALSE(failures[0].retryable);
  CATCH_CHECK(failures[0].code == absl::StatusCode::kFailedPrecondition);
}

CATCH_TEST_CASE("a killed preparer is started again after a pause") {
  SessionDriver driver;
  driver.Connect();
  driver.SeeAllFiles();
  driver.Assign("BG");
  driver.Give(ChildExited{driver.Since<StartPreparer>()[0].child, false, "killed by signal 9 (SIGKILL)"});
  CATCH_CHECK(driver.Since<StartPreparer>().size() == 1);
  CATCH_REQUIRE(driver.session.NextWake());
  driver.Wait(absl::Seconds(2));
  CATCH_CHECK(driver.Since<StartPreparer>().size() == 2);
}

std::string TroubleOf(const SessionDriver& driver) {
  const auto reports = driver.Since<SendProgress>();
  return reports.empty() ? "" : reports.back().progress.trouble;
}

// A connected worker whose chunk 00 is being prepared, under a plan whose stall is a minute.
struct Preparing : SessionDriver {
  Preparing() {
    plan.stall = absl::Minutes(1);
    Connect();
    SeeAllFiles();
    Assign("BG");
  }
  ChildId preparer() const { return Since<StartPreparer>().back().child; }
};

CATCH_TEST_CASE("a preparer that shows no progress for the plan's stall is ended and started again") {
  Preparing driver;
  for (int64_t done = 1; done <= 20; ++done) {
    driver.Give(PreparerMoved{driver.preparer(), done});
    driver.Wait(absl::Seconds(20));
  }
  CATCH_CHECK(driver.Since<StopChild>().empty());
  for (int i = 0; i < 3; ++i) driver.Wait(absl::Seconds(15));
  CATCH_REQUIRE(driver.Since<StopChild>().size() == 1);
  CATCH_CHECK(driver.Since<StopChild>()[0].child == driver.preparer());
  CATCH_CHECK(driver.Since<StopChild>()[0].kind == StopKind::kAtOnce);
  driver.Give(ChildExited{driver.preparer(), false, "killed by signal 9 (SIGKILL)"});
  driver.Wait(absl::Seconds(5));
  CATCH_REQUIRE(driver.Since<StartPreparer>().size() == 2);
  CATCH_CHECK(TroubleOf(driver).find("no progress for 1m") != std::string::npos);
  driver.Give(PreparerMoved{driver.preparer(), 1});
  driver.Wait(absl::Seconds(5));
  CATCH_CHECK(TroubleOf(driver).empty());
}

CATCH_TEST_CASE("time in which the box slept does not count against a preparer, nor does a drop of its run") {
  Preparing driver;
  driver.Give(PreparerMoved{driver.preparer(), 1});
  driver.Wait(absl::Hours(8));
  driver.Give(Dropped{{"train/BG", 1}, "elsewhere now"});
  CATCH_CHECK(driver.Since<StopChild>().empty());
  driver.Wait(absl::Seconds(15));
  CATCH_CHECK(driver.Since<StopChild>().empty());
}

CATCH_TEST_CASE("a worker wakes often enough to notice a preparer that hangs, in touch or not") {
  Preparing driver;
  driver.Give(Disconnected{});
  for (int i = 0; i < 10 && driver.Since<StopChild>().empty(); ++i) {
    CATCH_REQUIRE(driver.session.NextWake());
    driver.Wait(*driver.session.NextWake() - driver.now);
  }
  CATCH_CHECK(driver.Since<StopChild>().size() == 1);
}

CATCH_TEST_CASE("a full disk under the clip store is waited for, however long, and said") {
  Preparing driver;
  for (int i = 0; i < 50; ++i) {
    const ChildId child = driver.preparer();
    driver.Give(ChildFailed{child, {absl::StatusCode::kResourceExhausted, "the store's disk is full", true}});
    driver.Give(ChildExited{child, true, "left with exit code 1"});
    driver.Wait(kFullPause);
    CATCH_REQUIRE(driver.preparer() != child);
  }
  CATCH_CHECK(TroubleOf(driver).find("the store's disk is full") != std::string::npos);
  // The lease lives meanwhile: every try counts as activity.
  const auto reports = driver.Since<SendProgress>();
  CATCH_CHECK(reports.back().progress.activity > reports.front().progress.activity + 40);
  CATCH_CHECK(Failures(driver.AnswerAll()).empty());
}

CATCH_TEST_CASE("a full disk under a trainer is waited for, however long, and said") {
  Training driver;
  ChildId child = driver.bg;
  for (int i = 0; i < 50; ++i) {
    driver.Give(
        ChildFailed{child, {absl::StatusCode::kResourceExhausted, "the work folder's disk is full", true}});
    driver.Give(ChildExited{child, true, "left with exit code 1"});
    driver.Wait(kFullPause);
    CATCH_REQUIRE(driver.TrainerOf("BG") != child);
    child = driver.TrainerOf("BG");
  }
  CATCH_CHECK(Failures(driver.AnswerAll()).empty());
}

}  // namespace
}  // namespace interceptor::worker
