// Starting: what a plan must be, and whose folder the state is.
#include "common/base/status.h"
#include "coordinator/core/queries.h"
#include "tests/support/catch.h"
#include "tests/support/scenario.h"

namespace interceptor::coordinator {
namespace {

using Catch::Matchers::ContainsSubstring;

CATCH_TEST_CASE("a plan the core cannot run is refused naming the field") {
  CATCH_CHECK(ValidatePlan(SmallPlan()).ok());
  const auto refused = [](auto change, const char* field) {
    PlanFacts plan = SmallPlan();
    change(plan);
    const absl::Status status = ValidatePlan(plan);
    CATCH_CHECK(status.code() == absl::StatusCode::kInvalidArgument);
    CATCH_CHECK_THAT(Message(status), ContainsSubstring(field));
  };
  refused([](PlanFacts& p) { p.name = "a b"; }, "plan");
  refused([](PlanFacts& p) { p.digest = "x"; }, "digest");
  refused([](PlanFacts& p) { p.members.clear(); }, "members");
  refused([](PlanFacts& p) { p.members[1].name = "ana"; }, "ana");
  refused([](PlanFacts& p) { p.members[1].specialists = {"BG"}; }, "BG");
  refused([](PlanFacts& p) { p.members[0].integrates = true; }, "integrates");
  refused([](PlanFacts& p) { p.members.resize(1), p.members[0].specialists.clear(); }, "specialists");
  refused([](PlanFacts& p) { p.chunks.clear(); }, "chunks");
  refused([](PlanFacts& p) { p.chunks[1].name = "00"; }, "00");
  refused([](PlanFacts& p) { p.chunks[1].sha256 = "12"; }, "hex");
  refused([](PlanFacts& p) { p.lease_ttl = absl::Milliseconds(900); }, "lease_ttl");
  refused([](PlanFacts& p) { p.handover = absl::ZeroDuration(); }, "handover");
  refused([](PlanFacts& p) { p.stall = absl::ZeroDuration(); }, "stall");
  refused([](PlanFacts& p) { p.checkpoint_period = absl::ZeroDuration(); }, "period");
  refused([](PlanFacts& p) { p.keep_latest = 0; }, "keep_latest");
  refused([](PlanFacts& p) { p.vault_bytes_max = -1; }, "vault_bytes_max");
}

CATCH_TEST_CASE("nothing is answered before Start, and Start comes once") {
  State state;
  const MonotonicTime now{absl::Seconds(1)};
  CATCH_CHECK(Decide(state, {.body = TickCommand{}}, now).status().code() == absl::StatusCode::kUnavailable);
  CATCH_CHECK(Decide(state, {.body = PausePlan{}}, now).status().code() == absl::StatusCode::kUnavailable);
  Scenario s;
  CATCH_CHECK(s.Do(StartCommand{s.plan, "n"}).code() == absl::StatusCode::kFailedPrecondition);
}

CATCH_TEST_CASE("a state folder belongs to one plan: another digest is refused naming both and the remedy") {
  Scenario s;
  PlanFacts other = SmallPlan();
  other.digest = FakeHex("another plan");
  State state = Replay(s.journal);
  const auto decision = Decide(state, {.body = StartCommand{other, "n"}}, s.now);
  CATCH_CHECK(decision.status().code() == absl::StatusCode::kFailedPrecondition);
  CATCH_CHECK_THAT(Message(decision.status()), ContainsSubstring(other.digest));
  CATCH_CHECK_THAT(Message(decision.status()), ContainsSubstring(s.plan.digest));
  CATCH_CHECK_THAT(Message(decision.status()), ContainsSubstring("new --state folder"));
}

CATCH_TEST_CASE("each start has a number of its own") {
  Scenario s;
  CATCH_CHECK(NewestStart(s.state.facts).number == 1);
  s.Restart();
  CATCH_CHECK(NewestStart(s.state.facts).number == 2);
  CATCH_CHECK(s.CountFacts<PlanAdopted>() == 1);
  CATCH_CHECK(s.CountFacts<CoordinatorStarted>() == 2);
}

CATCH_TEST_CASE("the plan's chunk digests hold from the start, once") {
  PlanFacts plan = SmallPlan();
  plan.chunks[1].sha256 = FakeHex("zip 01");
  Scenario s(plan);
  CATCH_CHECK(s.state.facts.chunks.at("01").sha256 == FakeHex("zip 01"));
  CATCH_CHECK_FALSE(s.state.facts.chunks.contains("00"));
  s.Restart();
  CATCH_CHECK(s.CountFacts<ChunkDigestFixed>() == 1);
  // The first copy with those bytes adds the size.
  s.Attach("ana");
  CATCH_CHECK(s.state.facts.chunks.at("01").size_bytes == 10);
}

}  // namespace
}  // namespace interceptor::coordinator
