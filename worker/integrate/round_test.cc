#include "worker/integrate/round.h"

#include <map>

#include "common/base/status.h"
#include "common/io/atomic_file.h"
#include "tests/support/catch.h"
#include "tests/support/scratch_folder.h"

namespace interceptor::worker {
namespace {

constexpr char kTable[] =
    "chunk,clip,family,label,logit,fold,half,split,step\n"
    "00,a.mp4,00/a,REAL,-1.5,0,calibrate,held_out,10\n"
    "00,b.mp4,00/a,FAKE,0.25,0,calibrate,held_out,10\n";

struct Fixture {
  ScratchFolder folder;
  JoinOptions options{.tables = folder.File("tables"), .results = folder.File("results"), .chunk = "03"};

  Fixture() {
    CATCH_REQUIRE(SystemFiles().MakeFolder(options.tables).ok());
    for (const char* name :
         {"03-AV.csv", "03-BG.csv", "03-x-own.csv", "02-TM.csv", "03-notes.txt", "03-\xff.csv"}) {
      CATCH_REQUIRE(WriteFileAtomically(SystemFiles(), JoinPath(options.tables, name), kTable).ok());
    }
  }
  std::string Result(const std::string& name) const {
    return ReadWholeFile(SystemFiles(), JoinPath(options.results, name)).value_or("");
  }
};

CATCH_TEST_CASE(
    "a round nobody described takes every table of its chunk and names who of the six is absent") {
  Fixture f;
  CATCH_REQUIRE(FindSpecialists(SystemFiles(), f.options).ok());
  CATCH_CHECK(f.options.specialists == std::vector<std::string>{"BG", "AV", "x-own"});
  CATCH_REQUIRE(f.options.absent.size() == 4);
  CATCH_CHECK(f.options.absent[3] == AbsentSpecialist{"TM", "there is no 03-TM.csv"});
  JoinOptions other{.tables = f.options.tables, .results = "", .chunk = "07"};
  CATCH_CHECK(absl::IsNotFound(FindSpecialists(SystemFiles(), other)));
}

CATCH_TEST_CASE("progress is told before the first table and after each; the results name who is absent") {
  Fixture f;
  f.options.specialists = {"BG", "AV"};
  f.options.absent = {{"TM", "it is paused"}};
  std::vector<size_t> done;
  const auto results = JoinRound(SystemFiles(), f.options, [&done](const RoundResults& so_far) {
    done.push_back(so_far.specialists.size());
    return true;
  });
  CATCH_REQUIRE(results.ok());
  CATCH_CHECK(done == std::vector<size_t>{0, 1, 2, 2});
  CATCH_CHECK(results->specialists[0].step == 10);
  CATCH_CHECK(f.Result("round-03.csv").find("03,TM,,,,,,,,,,,,\"it is paused\"\n") != std::string::npos);
  CATCH_CHECK(f.Result("round-03.json").find("it is paused") != std::string::npos);
  CATCH_CHECK(f.Result("report-03.html").find("it is paused") != std::string::npos);
  std::map<std::string, std::string> first;
  for (const char* name : {"round-03.csv", "round-03.json", "report-03.json", "report-03.html"}) {
    first[name] = f.Result(name);
    CATCH_CHECK_FALSE(first[name].empty());
    CATCH_REQUIRE(SystemFiles().Remove(JoinPath(f.options.results, name)).ok());
  }
  CATCH_CHECK(JoinRound(SystemFiles(), f.options, [](const RoundResults&) { return true; }).ok());
  for (const auto& [name, bytes] : first) CATCH_CHECK(f.Result(name) == bytes);
}

CATCH_TEST_CASE("a round that is stopped, or lacks a table it was promised, writes nothing") {
  Fixture f;
  f.options.specialists = {"BG", "AV"};
  const auto stopped = JoinRound(SystemFiles(), f.options,
                                 [](const RoundResults& so_far) { return so_far.specialists.empty(); });
  CATCH_CHECK(absl::IsCancelled(stopped.status()));
  f.options.specialists = {"BG", "LL"};
  const auto lacking = JoinRound(SystemFiles(), f.options, [](const RoundResults&) { return true; });
  CATCH_CHECK(absl::IsNotFound(lacking.status()));
  CATCH_CHECK(Message(lacking.status()).find("03-LL.csv") != std::string::npos);
  CATCH_CHECK(SystemFiles().List(f.options.results)->empty());
}

CATCH_TEST_CASE("tables of different plans make no round") {
  Fixture f;
  f.options.specialists = {"BG", "AV"};
  const auto write = [&f](const char* name, const std::string& plan) {
    auto table = ParseScoreTable(kTable);
    CATCH_REQUIRE(table.ok());
    table->plan_digest = plan;
    const std::string path = JoinPath(f.options.tables, name);
    CATCH_REQUIRE(WriteFileAtomically(SystemFiles(), path, FormatScoreTable(*table)).ok());
  };
  const auto join = [&f] {
    return JoinRound(SystemFiles(), f.options, [](const RoundResults&) { return true; });
  };
  write("03-BG.csv", "aaaa");
  write("03-AV.csv", "bbbb");
  CATCH_CHECK(absl::IsFailedPrecondition(join().status()));
  CATCH_CHECK(Message(join().status()).find("03-BG.csv of plan aaaa") != std::string::npos);
  CATCH_CHECK(SystemFiles().List(f.options.results)->empty());
  write("03-AV.csv", "aaaa");
  CATCH_CHECK(join().ok());
}

}  // namespace
}  // namespace interceptor::worker
