// Leases live by progress, survive restarts, and end by the watchdog.
#include "common/base/status.h"
#include "coordinator/core/leases.h"
#include "coordinator/core/limits.h"
#include "coordinator/core/queries.h"
#include "tests/support/catch.h"
#include "tests/support/scenario.h"

namespace interceptor::coordinator {
namespace {

using Catch::Matchers::ContainsSubstring;

// Reports the same thing every 5 s.
void Repeat(Scenario& s, SessionId session, const Progress& progress, absl::Duration duration) {
  const MonotonicTime end = s.now + duration;
  while (s.now < end) {
    CATCH_REQUIRE(s.Do(ProgressReported{session, 1, progress}).ok());
    s.Wait(absl::Seconds(5));
  }
}

bool IsLive(const Scenario& s, const std::string& task) {
  const auto& holder = TaskOf(s.state, task).holder;
  return holder && !holder->lease_dead;
}

CATCH_TEST_CASE("progress renews and says through which update; heartbeats write nothing") {
  Scenario s;
  const SessionId ana = s.Attach("ana");
  const std::size_t facts = s.journal.size();
  s.ForgetEffects();
  Progress progress = s.At("train/BG", Phase::kTraining, 1);
  progress.activity = 5;
  CATCH_REQUIRE(s.Do(ProgressReported{ana, 41, progress}).ok());
  const auto renewed = s.Sent<Renewed>(ana);
  CATCH_REQUIRE(renewed.size() == 1);
  CATCH_CHECK(renewed[0].through_update == 41);
  CATCH_CHECK(renewed[0].next_report_in == absl::Seconds(1));
  // The same activity again is a ping.
  CATCH_REQUIRE(s.Do(ProgressReported{ana, 42, progress}).ok());
  CATCH_CHECK(s.Sent<Renewed>(ana).size() == 1);
  progress.activity = 6;
  CATCH_REQUIRE(s.Do(ProgressReported{ana, 43, progress}).ok());
  CATCH_CHECK(s.Sent<Renewed>(ana).size() == 2);
  CATCH_CHECK(s.journal.size() == facts);
}

CATCH_TEST_CASE("a ping keeps the stream but not the lease; the watchdog ends it with the reason") {
  Scenario s;
  const SessionId ana = s.Attach("ana");
  Progress ping = s.At("train/BG", Phase::kTraining, 1);
  ping.activity = 5;
  Repeat(s, ana, ping, absl::Seconds(40));
  CATCH_CHECK(FindSession(s.state, ana) != nullptr);
  CATCH_CHECK_FALSE(IsLive(s, "train/BG"));
  CATCH_CHECK(s.IsHeldBy("train/BG", "ana-box"));
  // Something moves again: reclaimed under the same term.
  ping.activity = 6;
  CATCH_REQUIRE(s.Do(ProgressReported{ana, 1, ping}).ok());
  CATCH_CHECK(IsLive(s, "train/BG"));
  CATCH_CHECK(s.CountFacts<LeaseReclaimed>() == 1);
  s.ForgetEffects();
  Repeat(s, ana, ping, absl::Minutes(5) - absl::Seconds(5));
  CATCH_CHECK(s.Sent<Drop>(ana).size() == 1);  // the sibling, which never reported
  Repeat(s, ana, ping, absl::Seconds(5));
  CATCH_CHECK(s.Ref("train/BG").term == 1);
  const Drop drop = s.Sent<Drop>(ana).back();
  CATCH_CHECK(drop.task == TaskRef{"train/BG", 1});
  CATCH_CHECK_THAT(drop.reason, ContainsSubstring("no progress for 5m") && ContainsSubstring("training"));
  CATCH_CHECK_THAT(TaskOf(s.state, "train/BG").reason, ContainsSubstring("DEADLINE_EXCEEDED"));
  // Granted again after a rest, under a higher term.
  s.Wait(absl::Seconds(5));
  CATCH_CHECK(s.Ref("train/BG").term == 2);
  CATCH_CHECK(s.CommitCheckpoint(ana, "train/BG", 5).ok());
  CATCH_CHECK(s.Do(CheckpointProposed{ana, s.NextId(), {"train/BG", 1}, {}, true}).code() ==
              absl::StatusCode::kAborted);
}

CATCH_TEST_CASE("waiting for data lives on reports only while the data is not there") {
  Scenario s;
  const SessionId ana = s.Attach("ana", {.chunks = {}});
  Repeat(s, ana, s.At("train/BG", Phase::kWaitingForData, 0), absl::Minutes(30));
  CATCH_CHECK(IsLive(s, "train/BG"));
  CATCH_REQUIRE(s.Do(InventoryReported{ana, {{"00", 10, FakeHex("zip 00")}}}).ok());
  Repeat(s, ana, s.At("train/BG", Phase::kWaitingForData, 0), absl::Minutes(6));
  CATCH_CHECK(s.CountFacts<TaskFailureRecorded>() > 0);
}

CATCH_TEST_CASE("waiting for turn is renewed by the sibling, and two that wait for each other are not") {
  Scenario s;
  const SessionId ana = s.Attach("ana");
  Progress waiting = s.At("train/AV", Phase::kWaitingForTurn, 0);
  for (int i = 0; i < 100; ++i) {
    CATCH_REQUIRE(s.Report(ana, s.At("train/BG", Phase::kTraining, i)).ok());
    s.Wait(absl::Seconds(5));
    CATCH_REQUIRE(s.Do(ProgressReported{ana, 1, waiting}).ok());
  }
  CATCH_CHECK(IsLive(s, "train/AV"));
  CATCH_CHECK(s.CountFacts<LeaseExpired>() == 0);
  const Progress both = s.At("train/BG", Phase::kWaitingForTurn, 0);
  const MonotonicTime end = s.now + absl::Minutes(1);
  while (s.now < end) {
    CATCH_REQUIRE(s.Do(ProgressReported{ana, 1, waiting}).ok());
    CATCH_REQUIRE(s.Do(ProgressReported{ana, 1, both}).ok());
    s.Wait(absl::Seconds(5));
  }
  CATCH_CHECK_FALSE(IsLive(s, "train/AV"));
  CATCH_CHECK_FALSE(IsLive(s, "train/BG"));
}

CATCH_TEST_CASE("a pair that a box stands in for waits as long as the box's own pair moves") {
  Scenario s;
  const SessionId ana = s.Attach("ana");
  const SessionId bo = s.Attach("bo");
  CATCH_REQUIRE(s.Do(SessionClosed{ana}).ok());
  s.Work(absl::Minutes(30));
  CATCH_REQUIRE(s.IsHeldBy("train/BG", "bo-box"));
  CATCH_REQUIRE(s.IsHeldBy("train/CM", "bo-box"));
  for (int i = 0; i < 100; ++i) {
    CATCH_REQUIRE(s.Report(bo, s.At("train/CM", Phase::kTraining, i)).ok());
    s.Wait(absl::Seconds(5));
    for (const char* task : {"train/BG", "train/AV"}) {
      CATCH_REQUIRE(s.Do(ProgressReported{bo, 1, s.At(task, Phase::kWaitingForTurn, 0)}).ok());
    }
  }
  for (const char* task : {"train/BG", "train/AV"}) {
    CATCH_CHECK(IsLive(s, task));
    CATCH_CHECK(TaskOf(s.state, task).failures == 0);
  }
}

CATCH_TEST_CASE("lease expiry alone stops nothing: the holder publishes under its term and has it back") {
  Scenario s;
  const SessionId ana = s.Attach("ana");
  CATCH_REQUIRE(s.CommitManifest(ana, "train/BG", "00").ok());
  CATCH_REQUIRE(s.Do(SessionClosed{ana}).ok());
  s.Wait(absl::Minutes(5));
  CATCH_CHECK_FALSE(IsLive(s, "train/BG"));
  const SessionId back = s.Attach("ana", {.held = {s.Ref("train/BG"), s.Ref("train/AV")}});
  CATCH_CHECK(IsLive(s, "train/BG"));
  CATCH_CHECK(s.Ref("train/BG").term == 1);
  CATCH_CHECK(s.CommitCheckpoint(back, "train/BG", 100).ok());
}

CATCH_TEST_CASE("a restart of the coordinator expires nobody before a fresh time to live") {
  Scenario s;
  s.Attach("ana");
  s.Wait(absl::Seconds(29));
  s.Restart(absl::Hours(24));
  CATCH_CHECK(IsLive(s, "train/BG"));
  s.Wait(absl::Seconds(29));
  CATCH_CHECK(IsLive(s, "train/BG"));
  s.Wait(absl::Seconds(2));
  CATCH_CHECK_FALSE(IsLive(s, "train/BG"));
  CATCH_CHECK(s.IsHeldBy("train/BG", "ana-box"));
  // Absence counts from the start, too.
  s.Attach("bo");
  s.Work(absl::Minutes(9));
  CATCH_CHECK(s.IsHeldBy("train/BG", "ana-box"));
}

CATCH_TEST_CASE("a dead lease stays dead over a restart until its box is back") {
  Scenario s;
  s.Attach("ana");
  s.Wait(absl::Minutes(1));
  CATCH_CHECK_FALSE(IsLive(s, "train/BG"));
  s.Restart();
  CATCH_CHECK_FALSE(IsLive(s, "train/BG"));
  s.Attach("ana");
  CATCH_CHECK(IsLive(s, "train/BG"));
}

CATCH_TEST_CASE("a coordinator that was away suspects itself, not its workers") {
  Scenario s;
  const SessionId ana = s.Attach("ana");
  s.Attach("bo");
  s.Work(absl::Seconds(20));
  // Suspended for a day, between two ticks.
  s.now = s.now + absl::Hours(24);
  s.Wait(absl::Seconds(1));
  CATCH_CHECK(s.CountFacts<LeaseExpired>() == 0);
  CATCH_CHECK(FindSession(s.state, ana) != nullptr);
  CATCH_CHECK(s.Report(ana, s.At("train/BG", Phase::kTraining, 3)).ok());
  s.Wait(absl::Seconds(15));
  CATCH_CHECK(s.CountFacts<LeaseExpired>() == 0);
}

CATCH_TEST_CASE("wall time decides nothing") {
  Scenario a;
  Scenario b;
  const auto run = [](Scenario& s, absl::Duration jump) {
    const Command hello{.wall_time = absl::UnixEpoch() + jump, .body = SessionOpened{1, s.MakeHello("ana")}};
    const auto decision = Decide(s.state, hello, s.now);
    CATCH_REQUIRE(decision.ok());
    return decision->events.size() + 100 * decision->effects.size();
  };
  CATCH_CHECK(run(a, absl::Hours(24 * 365)) == run(b, -absl::Hours(24 * 365)));
}

CATCH_TEST_CASE("progress that is stale is dropped, and malformed progress refused") {
  Scenario s;
  const SessionId ana = s.Attach("ana");
  const SessionId bo = s.Attach("bo");
  s.ForgetEffects();
  CATCH_REQUIRE(s.Report(bo, s.At("train/BG", Phase::kTraining, 1)).ok());
  CATCH_REQUIRE(s.Sent<Drop>(bo).size() == 1);
  CATCH_CHECK_THAT(s.Sent<Drop>(bo)[0].reason, ContainsSubstring("ana"));
  Progress stale = s.At("train/BG", Phase::kTraining, 1);
  stale.task.term = 0;
  CATCH_REQUIRE(s.Report(ana, stale).ok());
  CATCH_CHECK(s.Sent<Drop>(ana).size() == 1);
  for (auto change : {+[](Progress& p) { p.step = -1; }, +[](Progress& p) { p.cursor.chunk = 4; },
                      +[](Progress& p) { p.training_seconds = NAN; }}) {
    Progress bad = s.At("train/BG", Phase::kTraining, 1);
    change(bad);
    CATCH_CHECK(s.Report(ana, bad).code() == absl::StatusCode::kInvalidArgument);
  }
}

CATCH_TEST_CASE("pauses between retries double up to a limit") {
  CATCH_CHECK(RetryPause(1) == absl::Seconds(1));
  CATCH_CHECK(RetryPause(2) == absl::Seconds(2));
  CATCH_CHECK(RetryPause(5) == absl::Seconds(16));
  CATCH_CHECK(RetryPause(100) == absl::Milliseconds(kRetryPauseMsMax));
}

CATCH_TEST_CASE("a save is asked for after three hours of training, one at a time") {
  Scenario s;
  const SessionId ana = s.Attach("ana");
  CATCH_REQUIRE(s.CommitManifest(ana, "train/BG", "00").ok());
  const auto train = [&](double seconds) {
    Progress progress = s.At("train/BG", Phase::kTraining, static_cast<int64_t>(seconds));
    progress.training_seconds = seconds;
    CATCH_REQUIRE(s.Report(ana, progress).ok());
    s.Wait(absl::Seconds(5));
  };
  train(10799);
  CATCH_CHECK(s.Sent<SaveNow>(ana).empty());
  train(10800);
  CATCH_CHECK(s.Sent<SaveNow>(ana).size() == 1);
  train(10805);
  CATCH_CHECK(s.Sent<SaveNow>(ana).size() == 1);
  CATCH_REQUIRE(s.CommitCheckpoint(ana, "train/BG", 10806).ok());
  train(21605);
  CATCH_CHECK(s.Sent<SaveNow>(ana).size() == 1);
  train(21606);
  CATCH_CHECK(s.Sent<SaveNow>(ana).size() == 2);
  // A new stream of the box is asked again; so is one that did not answer for the stall time.
  const SessionId again = s.Attach("ana", {.held = {s.Ref("train/BG"), s.Ref("train/AV")}});
  Progress progress = s.At("train/BG", Phase::kTraining, 21700);
  progress.training_seconds = 21700;
  CATCH_REQUIRE(s.Report(again, progress).ok());
  s.Wait(absl::Seconds(5));
  CATCH_CHECK(s.Sent<SaveNow>(again).size() == 1);
}

CATCH_TEST_CASE("no save is asked for while one is written, nor on a full disk") {
  Scenario s;
  const SessionId ana = s.Attach("ana");
  Progress progress = s.At("train/BG", Phase::kSaving, 5);
  progress.training_seconds = 20000;
  CATCH_REQUIRE(s.Report(ana, progress).ok());
  s.Wait(absl::Seconds(5));
  CATCH_CHECK(s.Sent<SaveNow>(ana).empty());
  CATCH_REQUIRE(s.Do(SpaceReported{1000, 0}).ok());
  progress.phase = Phase::kTraining;
  CATCH_REQUIRE(s.Report(ana, progress).ok());
  s.Wait(absl::Seconds(5));
  CATCH_CHECK(s.Sent<SaveNow>(ana).empty());
  CATCH_REQUIRE(s.Do(SpaceReported{int64_t{1} << 40, 0}).ok());
  CATCH_CHECK(s.Sent<SaveNow>(ana).size() == 1);
}

}  // namespace
}  // namespace interceptor::coordinator
