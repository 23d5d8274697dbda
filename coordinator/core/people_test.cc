// Pause, resume, pins and their retries.
#include <algorithm>

#include "common/base/status.h"
#include "coordinator/core/queries.h"
#include "tests/support/catch.h"
#include "tests/support/scenario.h"

namespace interceptor::coordinator {
namespace {

using Catch::Matchers::ContainsSubstring;

CATCH_TEST_CASE("a paused plan stops each run at its next save and grants nothing") {
  Scenario s;
  const SessionId ana = s.Attach("ana");
  const SessionId zoe = s.Attach("zoe");
  CATCH_REQUIRE(s.CommitManifest(ana, "train/BG", "00").ok());
  CATCH_REQUIRE(s.Report(ana, s.At("train/BG", Phase::kTraining, 40)).ok());
  s.ForgetEffects();
  CATCH_REQUIRE(s.Do(PausePlan{"", "power works\ntonight"}).ok());
  CATCH_CHECK(s.state.facts.pause_reason == "power works tonight");
  // AV and the integration have nothing to lose; BG saves first.
  CATCH_CHECK_FALSE(TaskOf(s.state, "train/AV").holder.has_value());
  CATCH_CHECK(s.Sent<Drop>(zoe).size() == 1);
  CATCH_CHECK(s.IsHeldBy("train/BG", "ana-box"));
  CATCH_CHECK(s.Sent<SaveNow>(ana).size() == 1);
  for (int step : {45, 50, 55}) {
    CATCH_REQUIRE(s.Report(ana, s.At("train/BG", Phase::kTraining, step)).ok());
    s.Wait(absl::Seconds(5));
  }
  CATCH_CHECK(s.Sent<SaveNow>(ana).size() == 1);
  // Training went on while the save was written: still it stops now.
  CATCH_REQUIRE(s.Report(ana, s.At("train/BG", Phase::kTraining, 60)).ok());
  CATCH_REQUIRE(s.CommitCheckpoint(ana, "train/BG", 50).ok());
  CATCH_CHECK_FALSE(TaskOf(s.state, "train/BG").holder.has_value());
  CATCH_CHECK_THAT(s.Sent<Drop>(ana).back().reason, ContainsSubstring("power works"));
  const SessionId bo = s.Attach("bo");
  s.Work(absl::Minutes(1));
  CATCH_CHECK(s.Sent<Assignment>(bo).empty());
  s.Restart();
  const SessionId again = s.Attach("ana");
  CATCH_CHECK(s.Sent<Assignment>(again).empty());
  CATCH_REQUIRE(s.Do(ResumePlan{}).ok());
  CATCH_CHECK(s.Sent<Assignment>(again).size() == 2);
}

CATCH_TEST_CASE("a run that never saves under a pause is stopped after the stall time") {
  Scenario s;
  const SessionId ana = s.Attach("ana");
  CATCH_REQUIRE(s.Report(ana, s.At("train/BG", Phase::kTraining, 40)).ok());
  CATCH_REQUIRE(s.Do(PausePlan{}).ok());
  CATCH_CHECK(s.state.facts.pause_reason == "asked by a person");
  for (int i = 0; i < 62; ++i) {
    CATCH_REQUIRE(s.Report(ana, s.At("train/BG", Phase::kTraining, 41 + i)).ok());
    s.Wait(absl::Seconds(5));
  }
  CATCH_CHECK_FALSE(TaskOf(s.state, "train/BG").holder.has_value());
}

CATCH_TEST_CASE("a holder that came back is not stopped before it has said where it stands") {
  for (const bool restart : {false, true}) {
    Scenario s;
    const SessionId ana = s.Attach("ana");
    CATCH_REQUIRE(s.CommitManifest(ana, "train/BG", "00").ok());
    CATCH_REQUIRE(s.Report(ana, s.At("train/BG", Phase::kTraining, 4000)).ok());
    if (restart) s.Restart();
    s.ForgetEffects();
    const SessionId back = s.Attach("ana", {.held = {s.Ref("train/BG"), s.Ref("train/AV")}});
    CATCH_REQUIRE(s.Do(PausePlan{}).ok());
    CATCH_CHECK(s.IsHeldBy("train/BG", "ana-box"));
    CATCH_REQUIRE(s.Report(back, s.At("train/BG", Phase::kTraining, 4001)).ok());
    s.Wait(absl::Seconds(5));
    const auto asked = s.Sent<SaveNow>(back);
    CATCH_CHECK(std::any_of(asked.begin(), asked.end(),
                            [](const SaveNow& save) { return save.task.task == "train/BG"; }));
    CATCH_CHECK(s.IsHeldBy("train/BG", "ana-box"));
    CATCH_REQUIRE(s.CommitCheckpoint(back, "train/BG", 4002).ok());
    CATCH_CHECK_FALSE(TaskOf(s.state, "train/BG").holder.has_value());
  }
}

CATCH_TEST_CASE("a late copy of a pause does nothing after the resume") {
  Scenario s;
  const std::string first = s.NextId();
  const std::string second = s.NextId();
  CATCH_REQUIRE(s.Do(PausePlan{first, "x"}).ok());
  CATCH_REQUIRE(s.Do(PausePlan{second, "x"}).ok());
  CATCH_REQUIRE(s.Do(PausePlan{}).ok());
  CATCH_CHECK(s.CountFacts<PlanPaused>() == 2);
  CATCH_REQUIRE(s.Do(ResumePlan{s.NextId()}).ok());
  CATCH_REQUIRE(s.Do(ResumePlan{}).ok());
  CATCH_CHECK(s.CountFacts<PlanResumed>() == 1);
  s.Restart();
  CATCH_REQUIRE(s.Do(PausePlan{first, "x"}).ok());
  CATCH_REQUIRE(s.Do(PausePlan{second, "x"}).ok());
  CATCH_CHECK_FALSE(s.state.facts.paused);
  CATCH_CHECK(s.Do(ResumePlan{first}).code() == absl::StatusCode::kInvalidArgument);
  CATCH_CHECK(s.Do(PausePlan{"short", "x"}).code() == absl::StatusCode::kInvalidArgument);
}

CATCH_TEST_CASE("drain, pin and unpin are answered once an id") {
  Scenario s;
  const SessionId ana = s.Attach("ana");
  CATCH_REQUIRE(s.CommitManifest(ana, "train/BG", "00").ok());
  CATCH_REQUIRE(s.CommitCheckpoint(ana, "train/BG", 1).ok());
  const std::string pin = s.NextId();
  CATCH_REQUIRE(s.Do(PinCheckpoint{pin, "BG-000000000001"}).ok());
  CATCH_REQUIRE(s.Do(UnpinCheckpoint{s.NextId(), "BG-000000000001"}).ok());
  CATCH_REQUIRE(s.Do(PinCheckpoint{pin, "BG-000000000001"}).ok());
  CATCH_CHECK_FALSE(FindCheckpoint(s.state, "BG-000000000001")->pinned);
  const std::string drain = s.NextId();
  CATCH_REQUIRE(s.Do(DrainWorker{drain, "ana"}).ok());
  CATCH_REQUIRE(s.Do(Goodbye{ana, "drained"}).ok());
  s.Attach("ana", {.incarnation = "second"});
  CATCH_REQUIRE(s.Do(DrainWorker{drain, "ana"}).ok());
  CATCH_CHECK_FALSE(s.state.facts.members.at("ana").draining);
}

}  // namespace
}  // namespace interceptor::coordinator
