// A journal that is an older copy of itself: boxes know of starts that it lacks.
#include "coordinator/core/history.h"

#include "common/base/status.h"
#include "coordinator/core/limits.h"
#include "coordinator/core/queries.h"
#include "tests/support/catch.h"
#include "tests/support/scenario.h"

namespace interceptor::coordinator {
namespace {

using Catch::Matchers::ContainsSubstring;

Incarnation Welcomer(const Scenario& s) { return std::get<Welcome>(s.reply).coordinator; }

// The box says hello, having been welcomed last as `last` says.
SessionId AttachSeeing(Scenario& s, SessionId session, const std::string& member, const Incarnation& last,
                       std::vector<TaskRef> held = {}) {
  Hello hello = s.MakeHello(member, {.held = std::move(held)});
  hello.last_coordinator = {s.plan.digest, last};
  s.last_error = s.Do(SessionOpened{session, hello});
  return s.last_error.ok() ? session : 0;
}

CATCH_TEST_CASE("every start of this journal is remembered, and a welcome names the newest") {
  Scenario s;
  CATCH_REQUIRE(s.Attach("ana") != 0);
  const Incarnation first = Welcomer(s);
  CATCH_CHECK(first == NewestStart(s.state.facts));
  s.Restart();
  CATCH_REQUIRE(AttachSeeing(s, 50, "ana", first) != 0);
  CATCH_CHECK(Welcomer(s).number == first.number + 1);
  CATCH_CHECK(s.CountFacts<HistoryLost>() == 0);
  CATCH_CHECK_FALSE(s.state.facts.paused);
}

CATCH_TEST_CASE("a box that was welcomed by a later start ends every term and pauses the plan") {
  Scenario s;
  const SessionId bo = s.Attach("bo");
  const int64_t term_of_bo = s.Ref("train/CM").term;
  s.ForgetEffects();
  const TaskRef held{"train/BG", 8};
  const SessionId ana = AttachSeeing(s, 50, "ana", {7, "of another life"}, {held});
  CATCH_REQUIRE(ana != 0);
  CATCH_REQUIRE(s.Sent<Drop>(ana).size() == 1);
  CATCH_CHECK(s.Sent<Drop>(ana)[0].task == held);
  CATCH_CHECK(s.state.facts.paused);
  CATCH_CHECK_THAT(s.state.facts.pause_reason, ContainsSubstring("ana-box of ana knows of start 7"));
  CATCH_CHECK_FALSE(TaskOf(s.state, "train/CM").holder.has_value());
  CATCH_CHECK(s.Report(bo,
                       [&] {
                         Progress progress;
                         progress.task = {"train/CM", term_of_bo};
                         return progress;
                       }())
                  .ok());
  CATCH_REQUIRE(s.Sent<Drop>(bo).size() == 1);
  CATCH_CHECK(s.Sent<Drop>(bo)[0].task.term == term_of_bo);

  s.ForgetEffects();
  CATCH_REQUIRE(s.Do(ResumePlan{}).ok());
  CATCH_REQUIRE_FALSE(s.Sent<Assignment>(ana).empty());
  for (const char* task : {"train/BG", "train/AV", "train/CM", "train/RR"}) {
    CATCH_INFO(task);
    CATCH_CHECK(s.Ref(task).term > 8 * kTermsPerStart);
  }
}

CATCH_TEST_CASE("a lost history is noticed once, however many boxes were in it") {
  Scenario s;
  CATCH_REQUIRE(AttachSeeing(s, 50, "ana", {7, "x"}) != 0);
  const Incarnation now = Welcomer(s);
  CATCH_CHECK(now.number > 7);
  CATCH_REQUIRE(AttachSeeing(s, 51, "bo", {7, "x"}) != 0);
  CATCH_REQUIRE(AttachSeeing(s, 52, "zoe", {6, "w"}) != 0);
  CATCH_CHECK(s.CountFacts<HistoryLost>() == 1);
  s.Restart();
  CATCH_REQUIRE(AttachSeeing(s, 53, "ana", now) != 0);
  CATCH_CHECK(s.CountFacts<HistoryLost>() == 1);
  // The other life went on meanwhile.
  CATCH_REQUIRE(AttachSeeing(s, 54, "bo", {now.number + 1, "y"}) != 0);
  CATCH_CHECK(s.CountFacts<HistoryLost>() == 2);
}

CATCH_TEST_CASE("two copies of a folder that are both started are told apart by their nonces") {
  Scenario s;
  s.Restart();
  const Incarnation newest = NewestStart(s.state.facts);
  CATCH_REQUIRE(AttachSeeing(s, 50, "ana", {newest.number, "of the copy"}) != 0);
  CATCH_CHECK(s.CountFacts<HistoryLost>() == 1);
}

CATCH_TEST_CASE("what a work folder knows of another plan's coordinator means nothing") {
  Scenario s;
  Hello hello = s.MakeHello("ana");
  hello.last_coordinator = {FakeHex("another plan"), {7, "x"}};
  CATCH_REQUIRE(s.Do(SessionOpened{50, hello}).ok());
  CATCH_CHECK(s.CountFacts<HistoryLost>() == 0);
}

CATCH_TEST_CASE("a folder that remembers a later start than its journal says so at the start") {
  Scenario s;
  CATCH_REQUIRE(s.Attach("ana") != 0);
  s.state = Replay(s.journal);
  CATCH_REQUIRE(s.Do(StartCommand{s.plan, "n", {.start = {5, "x"}}}).ok());
  CATCH_CHECK(s.CountFacts<HistoryLost>() == 1);
  CATCH_CHECK(NewestStart(s.state.facts).number > 5);
  CATCH_CHECK_THAT(s.state.facts.pause_reason, ContainsSubstring("the state folder"));
  CATCH_CHECK(s.state.facts.term_floor == NewestStart(s.state.facts).number * kTermsPerStart);
}

CATCH_TEST_CASE("a folder that is a copy says so at the start, though its journal knows every start") {
  Scenario s;
  CATCH_REQUIRE(s.Attach("ana") != 0);
  const Incarnation last = NewestStart(s.state.facts);
  s.state = Replay(s.journal);
  CATCH_REQUIRE(s.Do(StartCommand{s.plan, "n", {.start = last, .copied = true}}).ok());
  CATCH_CHECK(s.CountFacts<HistoryLost>() == 1);
  CATCH_CHECK_THAT(s.state.facts.pause_reason, ContainsSubstring("is a copy"));
  // A box that knows the folder it was copied from is welcome; its old term is over.
  const TaskRef held{"train/BG", 1};
  const SessionId ana = AttachSeeing(s, 50, "ana", last, {held});
  CATCH_REQUIRE(s.Sent<Drop>(ana).size() == 1);
  CATCH_CHECK(s.CountFacts<HistoryLost>() == 1);
}

CATCH_TEST_CASE("two copies that are started in turn never grant the same term") {
  Scenario original;
  CATCH_REQUIRE(original.Attach("ana") != 0);
  Scenario copy;
  const Incarnation common = NewestStart(copy.state.facts);
  copy.state = Replay(copy.journal);
  CATCH_REQUIRE(copy.Do(StartCommand{copy.plan, "of the copy", {.start = common, .copied = true}}).ok());
  CATCH_REQUIRE(copy.Attach("ana") != 0);
  CATCH_REQUIRE(copy.Do(ResumePlan{}).ok());
  const TaskRef slept = copy.Ref("train/BG");
  const Incarnation of_copy = NewestStart(copy.state.facts);
  // Another box takes the news to the original; the one that holds the copy's term sleeps through it.
  CATCH_REQUIRE(AttachSeeing(original, 50, "bo", of_copy) != 0);
  CATCH_REQUIRE(original.Do(ResumePlan{}).ok());
  CATCH_CHECK(original.Ref("train/BG").term > slept.term);
  original.ForgetEffects();
  const SessionId woken = AttachSeeing(original, 51, "ana", of_copy, {slept});
  CATCH_REQUIRE(original.Sent<Drop>(woken).size() == 1);
  CATCH_CHECK(original.Sent<Drop>(woken)[0].task == slept);
}

CATCH_TEST_CASE("a hello that claims an impossible start is refused, and changes nothing for the others") {
  Scenario s;
  const int64_t newest = NewestStart(s.state.facts).number;
  CATCH_CHECK(AttachSeeing(s, 50, "ana", {newest + kStartsLostMax + 1, "x"}) == 0);
  CATCH_CHECK(s.last_error.code() == absl::StatusCode::kInvalidArgument);
  // The largest that is believed leaves room: whoever was welcomed after it may come back.
  CATCH_REQUIRE(AttachSeeing(s, 51, "ana", {newest + kStartsLostMax, "x"}) != 0);
  const Incarnation now = Welcomer(s);
  CATCH_REQUIRE(s.Do(ResumePlan{}).ok());
  CATCH_REQUIRE(AttachSeeing(s, 52, "ana", now, {s.Ref("train/BG")}) != 0);
  CATCH_CHECK(s.CountFacts<HistoryLost>() == 1);
}

}  // namespace
}  // namespace interceptor::coordinator
