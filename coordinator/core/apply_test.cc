// Apply and Describe.
#include <set>

#include "coordinator/core/event.h"
#include "coordinator/core/queries.h"
#include "tests/support/scenario.h"
#include "tests/support/catch.h"

namespace interceptor::coordinator {
namespace {

template <std::size_t... I>
std::vector<DurableEvent> OneOfEach(std::index_sequence<I...>) {
  return {DurableEvent(std::in_place_index<I>)...};
}

CATCH_TEST_CASE("every kind of event has a name of its own and one line for people") {
  std::set<std::string> kinds;
  const auto all = OneOfEach(std::make_index_sequence<std::variant_size_v<DurableEvent>>());
  for (const DurableEvent& event : all) {
    const EventLine line = Describe(event);
    kinds.insert(line.kind);
    CATCH_CHECK_FALSE(line.text.empty());
    CATCH_CHECK(line.text.find('\n') == std::string::npos);
  }
  CATCH_CHECK(kinds.size() == all.size());
  TaskFailureRecorded failure;
  failure.task.task = "train/BG";
  CATCH_CHECK(Describe(failure).kind == "task_failed");
  failure.paused = true;
  CATCH_CHECK(Describe(failure).kind == "run_paused");
  CATCH_CHECK(Describe(failure).subject == "train/BG");
}

CATCH_TEST_CASE("durable and soft events are told apart") {
  CATCH_CHECK(IsDurable(Event(Fact{.body = PlanResumed{}})));
  CATCH_CHECK_FALSE(IsDurable(Event(SoftEvent(TickNoted{}))));
}

CATCH_TEST_CASE("soft events leave the facts alone, and facts need no soft state") {
  Scenario s;
  const SessionId ana = s.Attach("ana");
  s.TrainChunk(ana, "train/BG");
  const Facts before = s.state.facts;
  Apply(s.state, SoftEvent(SaveAsked{"train/AV", s.now}));
  Apply(s.state, SoftEvent(LeaseRenewed{"train/none", s.now}));
  Apply(s.state, SoftEvent(SessionEnded{999, s.now}));
  Apply(s.state, SoftEvent(LeasesRefreshed{s.now}));
  CATCH_CHECK(s.state.facts == before);
  const State replayed = Replay(s.journal);
  CATCH_CHECK(replayed.facts == before);
  CATCH_CHECK_FALSE(replayed.soft.started);
  CATCH_CHECK(replayed.facts.events == static_cast<int64_t>(s.journal.size()));
}

CATCH_TEST_CASE("the plan is indexed by task, member and chunk") {
  const PlanIndex index = MakePlanIndex(SmallPlan());
  CATCH_CHECK(index.tasks ==
              std::vector<std::string>{"train/BG", "train/AV", "train/CM", "train/RR", "integrate"});
  CATCH_CHECK(index.home_of.at("train/RR") == "bo");
  CATCH_CHECK(index.home_of.at("integrate") == "zoe");
  CATCH_CHECK(index.group_of.at("ana") == std::vector<std::string>{"train/BG", "train/AV"});
  CATCH_CHECK(index.chunks.at("02") == 2);
}

CATCH_TEST_CASE("of boxes that left only so many are remembered, the longest gone is forgotten") {
  Scenario s;
  for (int i = 0; i < 20'000; ++i) {
    BoxInfo& box = s.state.soft.boxes["old" + std::to_string(i)];
    box.left_at = s.now + absl::Seconds(i == 7 ? -5 : 0);
  }
  s.Attach("ana");
  CATCH_CHECK(s.state.soft.boxes.size() == 20'000);
  CATCH_CHECK_FALSE(s.state.soft.boxes.contains("old7"));
  CATCH_CHECK(s.state.soft.boxes.contains("ana-box"));
}

CATCH_TEST_CASE("questions about what is not there have plain answers") {
  Scenario s;
  CATCH_CHECK(FindSession(s.state, 5) == nullptr);
  CATCH_CHECK(SessionOfBox(s.state, "none") == 0);
  CATCH_CHECK(SessionOfMember(s.state, "ana") == 0);
  CATCH_CHECK(IsPlanTask(s.state, "integrate"));
  CATCH_CHECK_FALSE(IsPlanTask(s.state, "train/none"));
  CATCH_CHECK(TaskOf(s.state, "train/none").term == 0);
  CATCH_CHECK(LeaseOf(s.state, "train/BG") == nullptr);
  CATCH_CHECK(NewestCheckpoint(s.state, "BG") == nullptr);
  CATCH_CHECK(FindCheckpoint(s.state, "BG-1") == nullptr);
  CATCH_CHECK(UnsavedSteps(s.state, "train/BG") == 0);
  CATCH_CHECK(AtChunkBoundary(s.state, "train/BG"));
  CATCH_CHECK_FALSE(BoxHasChunk(s.state, "none", 0));
  CATCH_CHECK_FALSE(BoxDiffers(s.state, "none", 99));
  CATCH_CHECK(GoneSince(s.state, "ana") == s.now);
  CATCH_CHECK(NameBox(s.state, "0123456789abcdef") == "box 01234567");
  s.Attach("ana");
  CATCH_CHECK_FALSE(GoneSince(s.state, "ana").has_value());
  CATCH_CHECK(NameBox(s.state, "ana-box") == "ana's box ana-box");
}

}  // namespace
}  // namespace interceptor::coordinator
