// The integrating task: rounds, their score tables, the child that joins them.
#include "tests/support/session_desk.h"

namespace interceptor::worker {
namespace {

Round RoundOf(int chunk, std::vector<std::string> specialists, std::vector<AbsentSpecialist> absent = {}) {
  Round round{.chunk = chunk, .evaluations = {}, .absent = std::move(absent), .last = chunk + 1 == kChunks};
  for (std::string& specialist : specialists) {
    const Digest table = DigestOf(Cat("scores ", specialist, chunk));
    round.evaluations.push_back({.specialist = std::move(specialist), .chunk = chunk, .score_table = table});
  }
  return round;
}

// Holds the task and was told that round 0 is ready.
struct Integrating : Desk {
  Round round = RoundOf(0, {"BG", "AV"}, {{"TM", "nothing measured"}});

  Integrating() {
    Connect();
    Take(1);
    Give(RoundIsReady{round});
  }
  void Take(int64_t term, int next_chunk = 0) {
    Give(Assigned{{"integrate", term}, next_chunk, std::nullopt, {}});
  }
  // The table that was asked for arrives, or does not.
  void Arrive(const absl::Status& status = absl::OkStatus()) {
    const FetchTable fetch = Since<FetchTable>().at(answered_++);
    Give(BlobFetched{fetch.blob, status, Cat(fetch.chunk, "-", fetch.specialist, ".csv")});
  }
  void ArriveAll() {
    while (answered_ < Since<FetchTable>().size()) Arrive();
  }
  // The child that was started by the last input; 0 for none.
  ChildId Started() const { return Got<StartIntegrator>().empty() ? 0 : Got<StartIntegrator>()[0].child; }
  // Of the report at the usual time.
  Progress Report() {
    Wait(absl::Seconds(5));
    for (const SendProgress& sent : Got<SendProgress>()) {
      if (sent.progress.task.task == kIntegrateTask) return sent.progress;
    }
    CATCH_FAIL("nothing was reported");
    return {};
  }

 private:
  size_t answered_ = 0;
};

CATCH_TEST_CASE("a round's tables are fetched one by one, joined by a child, and its end is reported once") {
  Integrating desk;
  CATCH_REQUIRE(desk.Got<FetchTable>().size() == 1);
  CATCH_CHECK(desk.Got<FetchTable>()[0].chunk == "00");
  CATCH_CHECK(desk.Got<FetchTable>()[0].specialist == "BG");
  desk.Give(RoundIsReady{desk.round});
  desk.Give(RoundIsReady{RoundOf(1, {"BG"})});
  CATCH_CHECK(desk.Got<FetchTable>().empty());
  desk.Arrive();
  CATCH_REQUIRE(desk.Got<FetchTable>().size() == 1);
  CATCH_CHECK(desk.Got<FetchTable>()[0].specialist == "AV");
  desk.ArriveAll();
  const ChildId child = desk.Started();
  CATCH_REQUIRE(child != 0);
  CATCH_CHECK(desk.Got<StartIntegrator>()[0].chunk == "00");
  CATCH_CHECK(desk.Got<StartIntegrator>()[0].round == desk.round);

  desk.Give(RoundJoined{child});
  CATCH_REQUIRE(desk.Got<Note>().size() == 1);
  CATCH_CHECK(desk.Got<Note>()[0].text == "round 00: joined BG, AV without TM (nothing measured)");
  CATCH_CHECK(desk.Got<Note>()[0].warning);
  CATCH_REQUIRE(desk.Got<SendPublication>().size() == 1);
  CATCH_CHECK(std::get<ChunkFinished>(desk.Got<SendPublication>()[0].body).chunk == 0);
  CATCH_CHECK(desk.Got<SendPublication>()[0].task == TaskRef{"integrate", 1});
  CATCH_CHECK(desk.Got<FetchTable>().empty());
  desk.Give(ChildExited{child, true, "left with exit code 0"});
  CATCH_REQUIRE(desk.Got<FetchTable>().size() == 1);
  CATCH_CHECK(desk.Got<FetchTable>()[0].chunk == "01");
  desk.Give(RoundIsReady{desk.round});
  desk.ArriveAll();
  CATCH_REQUIRE(desk.Since<StartIntegrator>().size() == 2);
  CATCH_CHECK(desk.Started() != 0);
  CATCH_CHECK(desk.Got<StartIntegrator>()[0].chunk == "01");
}

CATCH_TEST_CASE("a long round keeps its lease by what it does, and only by that") {
  Integrating desk;
  const int64_t begun = desk.Report().activity;
  CATCH_CHECK(desk.Report().activity == begun);
  desk.ArriveAll();
  const ChildId child = desk.Since<StartIntegrator>()[0].child;
  int64_t activity = desk.Report().activity;
  CATCH_CHECK(activity > begun);
  for (int done = 1; done <= 3; ++done) {
    desk.Give(IntegratorMoved{child, done});
    const Progress report = desk.Report();
    CATCH_CHECK(report.phase == Phase::kIntegrating);
    CATCH_CHECK(report.activity > activity);
    activity = report.activity;
  }
  // One that hangs, or says the same again, loses it.
  desk.Give(IntegratorMoved{child, 3});
  CATCH_CHECK(desk.Report().activity == activity);
  // With nothing to join nothing can stand still.
  desk.Give(RoundJoined{child});
  desk.Give(ChildExited{child, true, "left with exit code 0"});
  activity = desk.Report().activity;
  CATCH_CHECK(desk.Report().activity > activity);
}

CATCH_TEST_CASE("an integrator that dies in mid-round is started again, with its tables fetched anew") {
  Integrating desk;
  desk.ArriveAll();
  const ChildId first = desk.Since<StartIntegrator>()[0].child;
  desk.Give(ChildExited{first, false, "was killed by signal 9 (SIGKILL)"});
  CATCH_CHECK(desk.Since<SendPublication>().empty());
  CATCH_REQUIRE(desk.Got<SendProgress>().size() == 1);
  CATCH_CHECK(
      desk.Got<SendProgress>()[0].progress.trouble ==
      "joining round 00: interceptor-integrate was killed by signal 9 (SIGKILL); tried again after 1s");
  CATCH_REQUIRE(desk.session.NextWake());
  desk.Wait(absl::Seconds(1));
  CATCH_CHECK(desk.Got<FetchTable>().size() == 1);
  desk.ArriveAll();
  const ChildId second = desk.Started();
  CATCH_REQUIRE(second > first);
  desk.Give(IntegratorMoved{second, 1});
  CATCH_CHECK(desk.Report().trouble.empty());
  // What is over says nothing any more.
  desk.Give(RoundJoined{first});
  CATCH_CHECK(desk.Since<SendPublication>().empty());
  desk.Give(RoundJoined{second});
  CATCH_CHECK(desk.Since<SendPublication>().size() == 1);
}

CATCH_TEST_CASE("a table that cannot be fetched, and a child that fails, are reported and tried again") {
  Integrating desk;
  desk.Arrive(Unavailable("the vault is away"));
  CATCH_CHECK(desk.Got<FetchTable>().empty());
  CATCH_CHECK(desk.Report().trouble.find("score table of BG: the vault is away") != std::string::npos);
  CATCH_REQUIRE(desk.Since<FetchTable>().size() == 2);
  desk.ArriveAll();
  const ChildId child = desk.Started();
  desk.Give(ChildFailed{child, {absl::StatusCode::kDataLoss, "line 2", true}});
  desk.Give(ChildExited{child, false, "left with exit code 1"});
  CATCH_CHECK(desk.Got<SendProgress>()[0].progress.trouble.find("line 2") != std::string::npos);
}

CATCH_TEST_CASE("dropped or granted beyond it, the child is killed, and the next waits for its end") {
  Integrating desk;
  desk.ArriveAll();
  const ChildId child = desk.Since<StartIntegrator>()[0].child;
  desk.Give(Dropped{{"integrate", 1}, "another box has it"});
  CATCH_REQUIRE(desk.Got<StopChild>().size() == 1);
  CATCH_CHECK(desk.Got<StopChild>()[0].kind == StopKind::kAtOnce);
  desk.Take(2);
  desk.Give(RoundIsReady{desk.round});
  desk.ArriveAll();
  CATCH_CHECK(desk.Since<StartIntegrator>().size() == 1);
  desk.Give(RoundJoined{child});
  CATCH_CHECK(desk.Since<SendPublication>().empty());
  desk.Give(ChildExited{child, false, "was killed by signal 9 (SIGKILL)"});
  CATCH_CHECK(desk.Started() > child);
  // The same work under another term goes on.
  desk.Take(3);
  CATCH_CHECK(desk.Got<StopChild>().empty());
  desk.Take(4, 1);
  CATCH_CHECK(desk.Got<StopChild>().size() == 1);
}

CATCH_TEST_CASE("a worker that leaves waits for its integrator") {
  Integrating desk;
  desk.ArriveAll();
  const ChildId child = desk.Since<StartIntegrator>()[0].child;
  desk.Give(StopAsked{});
  CATCH_REQUIRE(desk.Got<StopChild>().size() == 1);
  CATCH_CHECK(desk.Got<StopChild>()[0].kind == StopKind::kSaveAndLeave);
  CATCH_CHECK(desk.Got<Leave>().empty());
  desk.Give(ChildExited{child, true, "left with exit code 0"});
  CATCH_CHECK(desk.Got<Leave>().size() == 1);
  CATCH_CHECK(desk.Since<Note>().empty());
}

CATCH_TEST_CASE("a round that the plan does not have is ignored") {
  Integrating desk;
  desk.Forget();
  desk.Give(RoundIsReady{RoundOf(kChunks, {"BG"})});
  desk.Give(RoundIsReady{RoundOf(-1, {"BG"})});
  CATCH_CHECK(desk.Since<FetchTable>().empty());
}

}  // namespace
}  // namespace interceptor::worker
