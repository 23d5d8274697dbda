// Boxes attach, are refused, come back and leave.
#include "common/base/status.h"
#include "coordinator/core/limits.h"
#include "coordinator/core/queries.h"
#include "tests/support/catch.h"
#include "tests/support/scenario.h"

namespace interceptor::coordinator {
namespace {

using Catch::Matchers::ContainsSubstring;

CATCH_TEST_CASE("a member's box gets the member's tasks at once, the pair together") {
  Scenario s;
  const SessionId ana = s.Attach("ana");
  CATCH_REQUIRE(ana != 0);
  const auto assigned = s.Sent<Assignment>(ana);
  CATCH_REQUIRE(assigned.size() == 2);
  CATCH_CHECK(assigned[0].task == TaskRef{"train/BG", 1});
  CATCH_CHECK(assigned[1].task == TaskRef{"train/AV", 1});
  CATCH_CHECK(assigned[0].next_chunk == 0);
  CATCH_CHECK_FALSE(assigned[0].base.has_value());
  CATCH_CHECK(assigned[0].lease_ttl == absl::Seconds(30));
  const SessionId zoe = s.Attach("zoe");
  CATCH_REQUIRE(s.Sent<Assignment>(zoe).size() == 1);
  CATCH_CHECK(s.Sent<Assignment>(zoe)[0].task.task == "integrate");
}

CATCH_TEST_CASE("a hello that is wrong ends the stream and changes nothing") {
  Scenario s;
  const Facts before = s.state.facts;
  const auto refuse = [&](auto change) {
    Hello hello = s.MakeHello("ana");
    change(hello);
    return s.Do(SessionOpened{77, hello});
  };
  const absl::Status unknown = refuse([](Hello& h) { h.member = "eve"; });
  CATCH_CHECK(unknown.code() == absl::StatusCode::kInvalidArgument);
  CATCH_CHECK_THAT(Message(unknown), ContainsSubstring("eve") && ContainsSubstring("ana, bo, zoe"));
  CATCH_CHECK(refuse([](Hello& h) { h.protocol = 2; }).code() == absl::StatusCode::kFailedPrecondition);
  const auto invalid = [&](auto change) {
    return refuse(change).code() == absl::StatusCode::kInvalidArgument;
  };
  CATCH_CHECK(invalid([](Hello& h) { h.box = ""; }));
  CATCH_CHECK(invalid([](Hello& h) { h.incarnation = "a b"; }));
  CATCH_CHECK(invalid([](Hello& h) { h.chunks[0].sha256 = "xyz"; }));
  CATCH_CHECK(invalid([](Hello& h) { h.chunks[0].size_bytes = -1; }));
  CATCH_CHECK(invalid([](Hello& h) { h.chunks[0].chunk = "../x"; }));
  CATCH_CHECK(invalid([](Hello& h) { h.chunks.resize(kChunksMax + 1, h.chunks[0]); }));
  CATCH_CHECK(invalid([](Hello& h) { h.held.resize(kHeldTasksMax + 1); }));
  CATCH_CHECK(s.state.facts == before);
  CATCH_CHECK(s.state.soft.sessions.empty());
}

CATCH_TEST_CASE("the same box returning takes over its own live lease and closes its old stream") {
  Scenario s;
  const SessionId first = s.Attach("ana");
  s.ForgetEffects();
  const SessionId second = s.Attach("ana", {.incarnation = "second"});
  CATCH_REQUIRE(second != 0);
  const auto closed = s.Effects<CloseSession>();
  CATCH_REQUIRE(closed.size() == 1);
  CATCH_CHECK(closed[0].session == first);
  CATCH_CHECK(closed[0].status.code() == absl::StatusCode::kAborted);
  const auto assigned = s.Sent<Assignment>(second);
  CATCH_REQUIRE(assigned.size() == 2);
  CATCH_CHECK(assigned[0].task.term == 1);
  // The old stream is fenced.
  CATCH_CHECK(s.Report(first, s.At("train/BG", Phase::kTraining, 5)).code() == absl::StatusCode::kAborted);
  CATCH_CHECK(s.CommitManifest(first, "train/BG", "00").code() == absl::StatusCode::kAborted);
}

CATCH_TEST_CASE("a box that still works on its task is told that it holds; stale work is dropped") {
  Scenario s;
  s.Attach("ana");
  s.ForgetEffects();
  const SessionId again =
      s.Attach("ana", {.held = {{"train/BG", 1}, {"train/CM", 1}, {"train/AV", 7}, {"x", 1}}});
  const auto renewed = s.Sent<Renewed>(again);
  CATCH_REQUIRE(renewed.size() == 1);
  CATCH_CHECK(renewed[0].task == TaskRef{"train/BG", 1});
  CATCH_CHECK(s.Sent<Drop>(again).size() == 3);
  CATCH_REQUIRE(s.Sent<Assignment>(again).size() == 1);
  CATCH_CHECK(s.Sent<Assignment>(again)[0].task == TaskRef{"train/AV", 1});
}

CATCH_TEST_CASE("work on another plan is dropped and the plan's own given") {
  Scenario s;
  s.Attach("ana");
  s.ForgetEffects();
  Hello hello = s.MakeHello("ana", {.held = {{"train/BG", 1}}});
  hello.plan_digest = FakeHex("another plan");
  CATCH_REQUIRE(s.Do(SessionOpened{50, hello}).ok());
  CATCH_CHECK(s.Sent<Drop>(50).size() == 1);
  CATCH_CHECK(s.Sent<Assignment>(50).size() == 2);
}

CATCH_TEST_CASE(
    "another box under a taken name is refused naming the first, then accepted with higher terms") {
  Scenario s;
  const SessionId first = s.Attach("ana");
  CATCH_CHECK(s.Attach("ana", {.box = "laptop"}) == 0);
  CATCH_CHECK(s.last_error.code() == absl::StatusCode::kFailedPrecondition);
  CATCH_CHECK_THAT(Message(s.last_error), ContainsSubstring("ana-box"));
  CATCH_REQUIRE(s.Do(SessionClosed{first}).ok());
  s.Wait(absl::Seconds(60));
  // The lease is dead, the handover time has not passed.
  CATCH_CHECK(TaskOf(s.state, "train/BG").holder->lease_dead);
  CATCH_CHECK(s.Attach("ana", {.box = "laptop"}) == 0);
  s.Wait(absl::Minutes(9));
  s.ForgetEffects();
  const SessionId laptop = s.Attach("ana", {.box = "laptop"});
  CATCH_REQUIRE(laptop != 0);
  // It stands in for bo, who never came, too.
  CATCH_REQUIRE(s.Sent<Assignment>(laptop).size() == 4);
  CATCH_CHECK(s.Sent<Assignment>(laptop)[0].task == TaskRef{"train/BG", 2});
  CATCH_CHECK(s.state.facts.members.at("ana").box == "laptop");
  // The first one is the other box now.
  CATCH_CHECK(s.Attach("ana") == 0);
  s.Restart();
  CATCH_CHECK(s.Attach("ana") == 0);
}

CATCH_TEST_CASE("a work folder stands for one member") {
  Scenario s;
  s.Attach("ana");
  CATCH_CHECK(s.Attach("bo", {.box = "ana-box"}) == 0);
  CATCH_CHECK(s.last_error.code() == absl::StatusCode::kFailedPrecondition);
}

CATCH_TEST_CASE("goodbye releases at once and frees the name") {
  Scenario s;
  const SessionId ana = s.Attach("ana");
  CATCH_REQUIRE(s.Do(Goodbye{ana, "maintenance"}).ok());
  CATCH_CHECK_FALSE(TaskOf(s.state, "train/BG").holder.has_value());
  CATCH_CHECK_THAT(TaskOf(s.state, "train/BG").reason, ContainsSubstring("maintenance"));
  CATCH_CHECK(s.Effects<CloseSession>().back().status.ok());
  const SessionId laptop = s.Attach("ana", {.box = "laptop"});
  CATCH_REQUIRE(laptop != 0);
  CATCH_CHECK(s.Ref("train/BG").term == 2);
  CATCH_CHECK(s.Do(Goodbye{ana, "again"}).code() == absl::StatusCode::kAborted);
}

CATCH_TEST_CASE("a drained worker is told once a stream, leaves, and works again when started anew") {
  Scenario s;
  CATCH_CHECK(s.Do(DrainWorker{"", "eve"}).code() == absl::StatusCode::kNotFound);
  CATCH_CHECK(s.Do(DrainWorker{"", "ana"}).ok());
  CATCH_CHECK(s.CountFacts<DrainRequested>() == 0);
  const SessionId ana = s.Attach("ana");
  CATCH_CHECK(s.Do(DrainWorker{"", "ana"}).ok());
  CATCH_CHECK(s.Do(DrainWorker{"", "ana"}).ok());
  s.Work(absl::Seconds(20));
  CATCH_CHECK(s.Sent<Drain>(ana).size() == 1);
  // The same start of the agent is told again, and gets nothing new.
  const SessionId again = s.Attach("ana");
  CATCH_CHECK(s.Sent<Drain>(again).size() == 1);
  CATCH_REQUIRE(s.Do(Goodbye{again, "drained"}).ok());
  const SessionId fresh = s.Attach("ana", {.incarnation = "second"});
  CATCH_CHECK(s.Sent<Assignment>(fresh).size() == 2);
  CATCH_CHECK(s.Sent<Drain>(fresh).empty());
}

CATCH_TEST_CASE("a silent stream is closed after its lease") {
  Scenario s;
  const SessionId ana = s.Attach("ana");
  s.Wait(absl::Seconds(59));
  CATCH_CHECK(FindSession(s.state, ana) != nullptr);
  s.Wait(absl::Seconds(2));
  CATCH_CHECK(FindSession(s.state, ana) == nullptr);
  CATCH_REQUIRE(s.Effects<CloseSession>().size() == 1);
  CATCH_CHECK(s.Effects<CloseSession>()[0].status.code() == absl::StatusCode::kUnavailable);
}

CATCH_TEST_CASE("streams are counted, and a short lease takes fewer of them") {
  PlanFacts plan = SmallPlan();
  plan.lease_ttl = absl::Seconds(1);
  Scenario s(plan);
  // As many as reports of three a lease allow at the rate one coordinator takes.
  State state = s.state;
  for (int i = 0; i < 3333; ++i) state.soft.sessions[100 + i] = {};
  const Command hello{.body = SessionOpened{1, s.MakeHello("ana")}};
  CATCH_CHECK(Decide(state, hello, s.now).status().code() == absl::StatusCode::kResourceExhausted);
  state.soft.plan.lease_ttl = absl::Seconds(30);
  CATCH_CHECK(Decide(state, hello, s.now).ok());
  for (int i = 0; i < kSessionsMax; ++i) state.soft.sessions[100 + i] = {};
  CATCH_CHECK(Decide(state, hello, s.now).status().code() == absl::StatusCode::kResourceExhausted);
}

CATCH_TEST_CASE("the welcome tells what is known of chunks and manifests") {
  Scenario s;
  const SessionId ana = s.Attach("ana");
  CATCH_REQUIRE(s.CommitManifest(ana, "train/BG", "00").ok());
  const SessionId bo = s.Attach("bo");
  CATCH_REQUIRE(bo != 0);
  CATCH_REQUIRE(s.Do(SessionOpened{90, s.MakeHello("zoe")}).ok());
  const auto* welcome = std::get_if<Welcome>(&s.reply);
  CATCH_REQUIRE(welcome != nullptr);
  CATCH_CHECK(welcome->next_report_in == absl::Seconds(1));
  CATCH_REQUIRE(welcome->manifests.size() == 1);
  CATCH_CHECK(welcome->manifests[0].chunk == "00");
  CATCH_CHECK(welcome->chunks.size() == 3);
}

CATCH_TEST_CASE("inventory: the first complete copy of a chunk fixes its digest; a later other one differs") {
  Scenario s;
  const SessionId ana = s.Attach("ana", {.chunks = {}});
  CATCH_REQUIRE(s.Do(InventoryReported{ana, {{"00", 10, ""}}}).ok());
  CATCH_CHECK_FALSE(s.state.facts.chunks.contains("00"));
  CATCH_REQUIRE(s.Do(InventoryReported{ana, {{"00", 10, FakeHex("a")}, {"elsewhere", 1, ""}}}).ok());
  CATCH_CHECK(s.state.facts.chunks.at("00").sha256 == FakeHex("a"));
  const SessionId bo = s.Attach("bo", {.chunks = {}});
  CATCH_REQUIRE(s.Do(InventoryReported{bo, {{"00", 10, FakeHex("b")}}}).ok());
  CATCH_CHECK(s.state.facts.chunks.at("00").sha256 == FakeHex("a"));
  CATCH_CHECK(BoxHasChunk(s.state, "ana-box", 0));
  CATCH_CHECK(BoxDiffers(s.state, "bo-box", 0));
  CATCH_CHECK(s.Do(InventoryReported{bo, {{"00", -1, ""}}}).code() == absl::StatusCode::kInvalidArgument);
  CATCH_CHECK(s.Do(InventoryReported{999, {}}).code() == absl::StatusCode::kAborted);
}

}  // namespace
}  // namespace interceptor::coordinator
