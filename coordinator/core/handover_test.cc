// A box that is gone, the one that stands in, and the way home.
#include "common/base/status.h"
#include "coordinator/core/queries.h"
#include "tests/support/catch.h"
#include "tests/support/scenario.h"

namespace interceptor::coordinator {
namespace {

using Catch::Matchers::ContainsSubstring;

CATCH_TEST_CASE(
    "after the handover time another box with the same chunks takes the pair from its checkpoints") {
  Scenario s;
  const SessionId ana = s.Attach("ana");
  const SessionId bo = s.Attach("bo");
  s.TrainChunk(ana, "train/BG");
  CATCH_REQUIRE(s.Do(SessionClosed{ana}).ok());
  s.ForgetEffects();
  s.Work(absl::Minutes(9));
  CATCH_CHECK(s.Sent<Assignment>(bo).empty());
  CATCH_CHECK(TaskOf(s.state, "train/BG").holder->lease_dead);
  s.Work(absl::Minutes(2));
  CATCH_CHECK(s.IsHeldBy("train/BG", "bo-box"));
  CATCH_CHECK(s.IsHeldBy("train/AV", "bo-box"));
  const auto assigned = s.Sent<Assignment>(bo);
  CATCH_REQUIRE(assigned.size() == 2);
  CATCH_CHECK(assigned[0].task == TaskRef{"train/BG", 2});
  CATCH_CHECK(assigned[0].next_chunk == 1);
  CATCH_CHECK(assigned[0].base->id == "BG-000000000100");
  CATCH_CHECK(TaskOf(s.state, "train/BG").holder->member == "bo");
  // The zombie wakes up: nothing it says under the old term counts.
  const SessionId zombie = s.Attach("ana", {.chunks = {}, .held = {{"train/BG", 1}, {"train/AV", 1}}});
  CATCH_CHECK(s.Sent<Drop>(zombie).size() == 2);
  const Facts before = s.state.facts;
  CATCH_CHECK(s.Do(CheckpointProposed{zombie, s.NextId(), {"train/BG", 1}, {}, true}).code() ==
              absl::StatusCode::kAborted);
  CATCH_CHECK(s.state.facts == before);
}

CATCH_TEST_CASE("a box without the chunk, or with another file under its name, does not stand in") {
  for (const bool differs : {false, true}) {
    Scenario s;
    const SessionId ana = s.Attach("ana");
    const SessionId bo = s.Attach("bo", {.chunks = {}});
    if (differs) CATCH_REQUIRE(s.Do(InventoryReported{bo, {{"00", 10, FakeHex("other")}}}).ok());
    CATCH_REQUIRE(s.Do(SessionClosed{ana}).ok());
    s.Work(absl::Minutes(30));
    CATCH_CHECK(s.IsHeldBy("train/BG", "ana-box"));
    CATCH_REQUIRE(s.Do(InventoryReported{bo, {{"00", 10, FakeHex("zip 00")}}}).ok());
    CATCH_CHECK(s.IsHeldBy("train/BG", "bo-box"));
  }
}

CATCH_TEST_CASE("the integrating member never stands in, and nobody stands in for it") {
  Scenario s;
  const SessionId ana = s.Attach("ana");
  const SessionId zoe = s.Attach("zoe");
  CATCH_REQUIRE(s.Do(SessionClosed{ana}).ok());
  s.Work(absl::Minutes(30));
  CATCH_CHECK(s.IsHeldBy("train/BG", "ana-box"));
  s.Attach("bo");
  CATCH_REQUIRE(s.Do(SessionClosed{zoe}).ok());
  s.Work(absl::Minutes(30));
  CATCH_CHECK(s.IsHeldBy("integrate", "zoe-box"));
  CATCH_CHECK(s.IsHeldBy("train/BG", "bo-box"));
}

CATCH_TEST_CASE("a pair goes home at a chunk boundary, each run at its own, under higher terms") {
  Scenario s;
  CATCH_REQUIRE(s.Do(SessionClosed{s.Attach("ana")}).ok());
  const SessionId bo = s.Attach("bo");
  s.Work(absl::Minutes(11));
  CATCH_REQUIRE(s.IsHeldBy("train/BG", "bo-box"));
  CATCH_REQUIRE(s.CommitManifest(bo, "train/BG", "00").ok());
  for (const char* task : {"train/BG", "train/AV"}) {
    CATCH_REQUIRE(s.Report(bo, s.At(task, Phase::kTraining, 50)).ok());
  }
  s.ForgetEffects();
  const SessionId ana = s.Attach("ana");
  CATCH_CHECK(s.Sent<Assignment>(ana).empty());
  CATCH_CHECK(s.IsHeldBy("train/BG", "bo-box"));
  s.TrainChunk(bo, "train/BG");
  // BG stands at the boundary and waits there for its sibling.
  CATCH_CHECK_FALSE(TaskOf(s.state, "train/BG").holder.has_value());
  CATCH_CHECK(s.IsHeldBy("train/AV", "bo-box"));
  CATCH_REQUIRE(s.Sent<Drop>(bo).size() == 1);
  CATCH_CHECK_THAT(s.Sent<Drop>(bo)[0].reason, ContainsSubstring("goes home"));
  s.TrainChunk(bo, "train/AV");
  CATCH_CHECK(s.IsHeldBy("train/BG", "ana-box"));
  CATCH_CHECK(s.IsHeldBy("train/AV", "ana-box"));
  CATCH_REQUIRE(s.Sent<Assignment>(ana).size() == 2);
  CATCH_CHECK(s.Sent<Assignment>(ana)[0].task.term == 3);
  CATCH_CHECK(s.Sent<Assignment>(ana)[0].next_chunk == 1);
  CATCH_CHECK(s.Sent<Assignment>(ana)[0].base->step == 100);
  CATCH_CHECK(s.IsHeldBy("train/CM", "bo-box"));
}

CATCH_TEST_CASE("a stand-in whose stream breaks in mid-chunk keeps its work when home is back") {
  Scenario s;
  CATCH_REQUIRE(s.Do(SessionClosed{s.Attach("ana")}).ok());
  const SessionId bo = s.Attach("bo");
  s.Work(absl::Minutes(11));
  CATCH_REQUIRE(s.IsHeldBy("train/BG", "bo-box"));
  CATCH_REQUIRE(s.Report(bo, s.At("train/BG", Phase::kTraining, 500)).ok());
  const std::vector<TaskRef> held = {s.Ref("train/BG"), s.Ref("train/AV"), s.Ref("train/CM"),
                                     s.Ref("train/RR")};
  s.Attach("bo", {.held = held});
  s.Attach("ana");
  CATCH_CHECK(s.IsHeldBy("train/BG", "bo-box"));
  s.Restart();
  s.Attach("bo", {.held = held});
  s.Attach("ana");
  CATCH_CHECK(s.IsHeldBy("train/BG", "bo-box"));
}

CATCH_TEST_CASE("a pair stays where the data is until home has the next chunk too") {
  Scenario s;
  CATCH_REQUIRE(s.Do(SessionClosed{s.Attach("ana")}).ok());
  const SessionId bo = s.Attach("bo");
  s.Work(absl::Minutes(11));
  const SessionId ana = s.Attach("ana", {.chunks = {"00"}});
  // Nothing is lost by going home before the first step.
  CATCH_CHECK(s.IsHeldBy("train/BG", "ana-box"));
  s.TrainChunk(ana, "train/BG");
  s.TrainChunk(ana, "train/AV");
  CATCH_CHECK(s.IsHeldBy("train/BG", "ana-box"));
  CATCH_REQUIRE(s.Do(SessionClosed{ana}).ok());
  s.Work(absl::Minutes(11));
  CATCH_REQUIRE(s.IsHeldBy("train/BG", "bo-box"));
  const SessionId back = s.Attach("ana", {.chunks = {"00"}});
  s.Work(absl::Minutes(1));
  CATCH_CHECK(s.IsHeldBy("train/BG", "bo-box"));
  CATCH_REQUIRE(s.Do(InventoryReported{back, {{"01", 10, FakeHex("zip 01")}}}).ok());
  CATCH_CHECK(s.IsHeldBy("train/BG", "ana-box"));
  CATCH_CHECK(FindSession(s.state, bo) != nullptr);
}

CATCH_TEST_CASE("when the stand-in dies too, home has its pair again at once when it is there") {
  Scenario s;
  CATCH_REQUIRE(s.Do(SessionClosed{s.Attach("ana")}).ok());
  const SessionId bo = s.Attach("bo");
  s.Work(absl::Minutes(11));
  CATCH_REQUIRE(s.CommitManifest(bo, "train/BG", "00").ok());
  for (const char* task : {"train/BG", "train/AV"}) {
    CATCH_REQUIRE(s.CommitCheckpoint(bo, task, 50).ok());
  }
  CATCH_REQUIRE(s.Do(SessionClosed{bo}).ok());
  const SessionId ana = s.Attach("ana");
  s.ForgetEffects();
  s.Work(absl::Minutes(9));
  CATCH_CHECK(s.IsHeldBy("train/BG", "bo-box"));
  s.Work(absl::Minutes(2));
  CATCH_CHECK(s.IsHeldBy("train/BG", "ana-box"));
  // Its own other pair stays bo's: ana stands in for it in turn.
  CATCH_CHECK(s.IsHeldBy("train/CM", "ana-box"));
  CATCH_CHECK(s.Sent<Assignment>(ana)[0].base->step == 50);
}

CATCH_TEST_CASE("a run that failed on the stand-in is granted there again, with its sibling") {
  Scenario s;
  CATCH_REQUIRE(s.Do(SessionClosed{s.Attach("ana")}).ok());
  const SessionId bo = s.Attach("bo");
  s.Work(absl::Minutes(11));
  CATCH_REQUIRE(
      s.Do(TaskFailed{bo, s.NextId(), s.Ref("train/BG"), absl::StatusCode::kInternal, "x", true}).ok());
  s.Work(absl::Seconds(5));
  CATCH_CHECK(s.IsHeldBy("train/BG", "bo-box"));
}

CATCH_TEST_CASE("a member who never came is stood in for after the handover time") {
  Scenario s;
  const SessionId bo = s.Attach("bo");
  s.Work(absl::Minutes(9));
  CATCH_CHECK(s.Sent<Assignment>(bo).size() == 2);
  s.Work(absl::Minutes(2));
  CATCH_CHECK(s.Sent<Assignment>(bo).size() == 4);
}

CATCH_TEST_CASE("a draining box gets nothing, and its pair waits for the handover time") {
  Scenario s;
  const SessionId ana = s.Attach("ana");
  const SessionId bo = s.Attach("bo");
  CATCH_REQUIRE(s.Do(DrainWorker{"", "ana"}).ok());
  CATCH_REQUIRE(
      s.Do(TaskFailed{ana, s.NextId(), s.Ref("train/BG"), absl::StatusCode::kCancelled, "drained", true})
          .ok());
  s.Work(absl::Minutes(1));
  CATCH_CHECK_FALSE(TaskOf(s.state, "train/BG").holder.has_value());
  CATCH_REQUIRE(s.Do(Goodbye{ana, "drained"}).ok());
  s.Work(absl::Minutes(9));
  CATCH_CHECK_FALSE(TaskOf(s.state, "train/BG").holder.has_value());
  s.Work(absl::Minutes(2));
  CATCH_CHECK(s.IsHeldBy("train/BG", "bo-box"));
  CATCH_CHECK(s.Sent<Assignment>(bo).size() == 4);
}

CATCH_TEST_CASE("a box whose next chunk is another file gets no task for it, at home too") {
  Scenario s;
  s.Attach("bo");
  Hello hello = s.MakeHello("ana");
  hello.chunks[0].sha256 = FakeHex("other");
  hello.chunks[1].sha256 = FakeHex("other 1");
  CATCH_REQUIRE(s.Do(SessionOpened{50, hello}).ok());
  CATCH_CHECK(s.Sent<Assignment>(50).empty());
  hello.chunks[0].sha256 = FakeHex("zip 00");
  CATCH_REQUIRE(s.Do(InventoryReported{50, hello.chunks}).ok());
  CATCH_CHECK(s.Sent<Assignment>(50).size() == 2);
  // At the boundary before the differing one it lets go.
  s.TrainChunk(50, "train/BG");
  CATCH_CHECK_FALSE(TaskOf(s.state, "train/BG").holder.has_value());
  CATCH_CHECK_THAT(TaskOf(s.state, "train/BG").reason,
                   ContainsSubstring("chunk 01") && ContainsSubstring("another file"));
}

}  // namespace
}  // namespace interceptor::coordinator
