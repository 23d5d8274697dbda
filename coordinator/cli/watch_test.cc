// `interceptor watch` as a process, on a pipe and on a terminal.
#include <algorithm>
#include <csignal>
#include <map>

#include "coordinator/cli/arguments.h"
#include "tests/support/api_samples.h"
#include "tests/support/catch.h"
#include "tests/support/fake_cluster.h"
#include "tests/support/program_runner.h"
#include "tests/support/scratch_folder.h"

namespace interceptor::coordinator {

CATCH_TEST_CASE("watch on a pipe prints one line per change and leaves when the plan is done") {
  FakeCluster cluster;
  cluster.snapshots = {RunningStatus(), RunningStatus(), DegradedStatus(), DoneStatus()};
  cluster.Start("127.0.0.1:0");
  const std::map<std::string, std::string> environment = {{"INTERCEPTOR_COORDINATOR", cluster.address()},
                                                          {"LANG", "C.UTF-8"}};
  const Finished finished = RunInterceptor({"watch", "--until-done"}, environment);
  CATCH_CHECK(finished.exit_code == kExitOk);
  CATCH_CHECK(GoldenDifference("watch.txt", finished.out) == "");
  const Finished json = RunInterceptor({"watch", "--until-done", "-o", "json"}, environment);
  CATCH_CHECK(json.exit_code == kExitOk);
  CATCH_CHECK(std::count(json.out.begin(), json.out.end(), '\n') == 4);
  CATCH_CHECK(json.out.find("{\"plan_name\":\"master\"") == 0);
  CATCH_CHECK(
      GoldenDifference("watch.json", json.out.substr(json.out.rfind('\n', json.out.size() - 2) + 1)) == "");
}

CATCH_TEST_CASE("watch outlives a coordinator that comes back, and gives up on one that does not") {
  ScratchFolder folder;
  FakeCluster cluster;
  cluster.snapshots = {RunningStatus()};
  cluster.hold_watchers = false;
  cluster.last_snapshot = DoneStatus();
  cluster.Start("unix:" + folder.File("head.sock"));
  // Each stream ends after one snapshot, so the program must come again; then nobody is there any more.
  TerminalSession session({"watch", "--coordinator", cluster.address(), "--timeout", "10", "-o", "json"}, {});
  CATCH_REQUIRE(session.Await("trying again for 10s"));
  cluster.AwaitWatchers(3);
  cluster.Stop();
  CATCH_CHECK(session.Wait() == kExitUnavailable);
  CATCH_CHECK(session.output().find("no answer from the coordinator") != std::string::npos);
}

CATCH_TEST_CASE("watch on a terminal draws on the alternate screen and gives the old one back") {
  FakeCluster cluster;
  cluster.snapshots = {DegradedStatus()};
  cluster.last_snapshot = DoneStatus();
  cluster.Start("127.0.0.1:0");
  const std::map<std::string, std::string> environment = {
      {"INTERCEPTOR_COORDINATOR", cluster.address()}, {"LANG", "C.UTF-8"}, {"TERM", "xterm"}};
  const auto expect_restored = [](const TerminalSession& session) {
    const size_t leave = session.output().rfind("\x1b[?1049l");
    CATCH_CHECK(session.output().find("\x1b[?1049h") < leave);
    CATCH_CHECK(leave != std::string::npos);
    CATCH_CHECK(session.output().find("\x1b[?1049h", leave) == std::string::npos);
    CATCH_CHECK(session.output().rfind("\x1b[?25h") != std::string::npos);
  };
  CATCH_SECTION("the key q: 0") {
    TerminalSession session({"watch"}, environment);
    CATCH_REQUIRE(session.Await("q leaves"));
    session.Type("q");
    CATCH_CHECK(session.Wait() == kExitOk);
    expect_restored(session);
  }
  CATCH_SECTION("Ctrl-C: 130") {
    TerminalSession session({"watch"}, environment);
    CATCH_REQUIRE(session.Await("q leaves"));
    session.Type("\x03");
    CATCH_CHECK(session.Wait() == 128 + SIGINT);
    expect_restored(session);
  }
  CATCH_SECTION("SIGTERM: 143") {
    TerminalSession session({"watch"}, environment);
    CATCH_REQUIRE(session.Await("q leaves"));
    session.Signal(SIGTERM);
    CATCH_CHECK(session.Wait() == 128 + SIGTERM);
    expect_restored(session);
  }
  CATCH_SECTION("done: 0, and the last state stays on the ordinary screen") {
    TerminalSession session({"watch", "--until-done"}, environment);
    CATCH_REQUIRE(session.Await("q leaves"));
    cluster.AwaitWatchers(1);
    cluster.Continue();
    CATCH_CHECK(session.Wait() == kExitOk);
    expect_restored(session);
    CATCH_CHECK(session.output().find("10 of 10 rounds", session.output().rfind("\x1b[?1049l")) !=
                std::string::npos);
  }
}

}  // namespace interceptor::coordinator
