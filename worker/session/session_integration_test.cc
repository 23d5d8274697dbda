// The integrating task: rounds, their score tables, the child that joins them.
#include "tests/support/session_driver.h"

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

// Holds the task; round 0 is ready.
struct Integrating : SessionDriver {
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
  Integrating driver;
  CATCH_REQUIRE(driver.Got<FetchTable>().size() == 1);
  CATCH_CHECK(driver.Got<FetchTable>()[0].chunk == "00");
  CATCH_CHECK(driver.Got<FetchTable>()[0].specialist == "BG");
  driver.Give(RoundIsReady{driver.round});
  driver.Give(RoundIsReady{RoundOf(1, {"BG"})});
  CATCH_CHECK(driver.Got<FetchTable>().empty());
  driver.Arrive();
  CATCH_REQUIRE(driver.Got<FetchTable>().size() == 1);
  CATCH_CHECK(driver.Got<FetchTable>()[0].specialist == "AV");
  driver.ArriveAll();
  const ChildId child = driver.Started();
  CATCH_REQUIRE(child != 0);
  CATCH_CHECK(driver.Got<StartIntegrator>()[0].chunk == "00");
  CATCH_CHECK(driver.Got<StartIntegrator>()[0].round == driver.round);

  driver.Give(RoundJoined{child});
  CATCH_REQUIRE(driver.Got<Note>().size() == 1);
  CATCH_CHECK(driver.Got<Note>()[0].text == "round 00: joined BG, AV without TM (nothing measured)");
  CATCH_CHECK(driver.Got<Note>()[0].warning);
  CATCH_REQUIRE(driver.Got<SendPublication>().size() == 1);
  CATCH_CHECK(std::get<ChunkFinished>(driver.Got<SendPublication>()[0].body).chunk == 0);
  CATCH_CHECK(driver.Got<SendPublication>()[0].task == TaskRef{"integrate", 1});
  CATCH_CHECK(driver.Got<FetchTable>().empty());
  driver.Give(ChildExited{child, true, "left with exit code 0"});
  CATCH_REQUIRE(driver.Got<FetchTable>().size() == 1);
  CATCH_CHECK(driver.Got<FetchTable>()[0].chunk == "01");
  driver.Give(RoundIsReady{driver.round});
  driver.ArriveAll();
  CATCH_REQUIRE(driver.Since<StartIntegrator>().size() == 2);
  CATCH_CHECK(driver.Started() != 0);
  CATCH_CHECK(driver.Got<StartIntegrator>()[0].chunk == "01");
}

CATCH_TEST_CASE("a long round keeps its lease by what it does, and only by that") {
  Integrating driver;
  const int64_t begun = driver.Report().activity;
  CATCH_CHECK(driver.Report().activity == begun);
  driver.ArriveAll();
  const ChildId child = driver.Since<StartIntegrator>()[0].child;
  int64_t activity = driver.Report().activity;
  CATCH_CHECK(activity > begun);
  for (int done = 1; done <= 3; ++done) {
    driver.Give(IntegratorMoved{child, done});
    const Progress report = driver.Report();
    CATCH_CHECK(report.phase == Phase::kIntegrating);
    CATCH_CHECK(report.activity > activity);
    activity = report.activity;
  }
  // One that hangs, or says the same again, loses it.
  driver.Give(IntegratorMoved{child, 3});
  CATCH_CHECK(driver.Report().activity == activity);
  // With nothing to join nothing can stand still.
  driver.Give(RoundJoined{child});
  driver.Give(ChildExited{child, true, "left with exit code 0"});
  activity = driver.Report().activity;
  CATCH_CHECK(driver.Report().activity > activity);
}

CATCH_TEST_CASE("an integrator that dies in mid-round is started again, with its tables fetched anew") {
  Integrating driver;
  driver.ArriveAll();
  const ChildId first = driver.Since<StartIntegrator>()[0].child;
  driver.Give(ChildExited{first, false, "was killed by signal 9 (SIGKILL)"});
  CATCH_CHECK(driver.Since<SendPublication>().empty());
  CATCH_REQUIRE(driver.Got<SendProgress>().size() == 1);
  CATCH_CHECK(
      driver.Got<SendProgress>()[0].progress.trouble ==
      "joining round 00: interceptor-integrate was killed by signal 9 (SIGKILL); tried again after 1s");
  CATCH_REQUIRE(driver.session.NextWake());
  driver.Wait(absl::Seconds(1));
  CATCH_CHECK(driver.Got<FetchTable>().size() == 1);
  driver.ArriveAll();
  const ChildId second = driver.Started();
  CATCH_REQUIRE(second > first);
  driver.Give(IntegratorMoved{second, 1});
  CATCH_CHECK(driver.Report().trouble.empty());
  // What is over says nothing any more.
  driver.Give(RoundJoined{first});
  CATCH_CHECK(driver.Since<SendPublication>().empty());
  driver.Give(RoundJoined{second});
  CATCH_CHECK(driver.Since<SendPublication>().size() == 1);
}

CATCH_TEST_CASE("a table that cannot be fetched, and a child that fails, are reported and tried again") {
  Integrating driver;
  driver.Arrive(Unavailable("the vault is away"));
  CATCH_CHECK(driver.Got<FetchTable>().empty());
  CATCH_CHECK(driver.Report().trouble.find("score table of BG: the vault is away") != std::string::npos);
  CATCH_REQUIRE(driver.Since<FetchTable>().size() == 2);
  driver.ArriveAll();
  const ChildId child = driver.Started();
  driver.Give(ChildFailed{child, {absl::StatusCode::kDataLoss, "line 2", true}});
  driver.Give(ChildExited{child, false, "left with exit code 1"});
  CATCH_CHECK(driver.Got<SendProgress>()[0].progress.trouble.find("line 2") != std::string::npos);
}

CATCH_TEST_CASE("dropped or granted beyond it, the child is killed, and the next waits for its end") {
  Integrating driver;
  driver.ArriveAll();
  const ChildId child = driver.Since<StartIntegrator>()[0].child;
  driver.Give(Dropped{{"integrate", 1}, "another box has it"});
  CATCH_REQUIRE(driver.Got<StopChild>().size() == 1);
  CATCH_CHECK(driver.Got<StopChild>()[0].kind == StopKind::kAtOnce);
  driver.Take(2);
  driver.Give(RoundIsReady{driver.round});
  driver.ArriveAll();
  CATCH_CHECK(driver.Since<StartIntegrator>().size() == 1);
  driver.Give(RoundJoined{child});
  CATCH_CHECK(driver.Since<SendPublication>().empty());
  driver.Give(ChildExited{child, false, "was killed by signal 9 (SIGKILL)"});
  CATCH_CHECK(driver.Started() > child);
  // The same work under another term goes on.
  driver.Take(3);
  CATCH_CHECK(driver.Got<StopChild>().empty());
  driver.Take(4, 1);
  CATCH_CHECK(driver.Got<StopChild>().size() == 1);
}

CATCH_TEST_CASE("a worker that leaves waits for its integrator") {
  Integrating driver;
  driver.ArriveAll();
  const ChildId child = driver.Since<StartIntegrator>()[0].child;
  driver.Give(StopAsked{});
  CATCH_REQUIRE(driver.Got<StopChild>().size() == 1);
  CATCH_CHECK(driver.Got<StopChild>()[0].kind == StopKind::kSaveAndLeave);
  CATCH_CHECK(driver.Got<Leave>().empty());
  driver.Give(ChildExited{child, true, "left with exit code 0"});
  CATCH_CHECK(driver.Got<Leave>().size() == 1);
  CATCH_CHECK(driver.Since<Note>().empty());
}

CATCH_TEST_CASE("a round that the plan does not have is ignored") {
  Integrating driver;
  driver.Forget();
  driver.Give(RoundIsReady{RoundOf(kChunks, {"BG"})});
  driver.Give(RoundIsReady{RoundOf(-1, {"BG"})});
  CATCH_CHECK(driver.Since<FetchTable>().empty());
}

}  // namespace
}  // namespace interceptor::worker
