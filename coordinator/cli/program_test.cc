// The real program as a process, against nothing, against a coordinator with canned answers, and on a
// terminal.
#include <cstdlib>
#include <iostream>

#include "common/base/status.h"
#include "coordinator/cli/arguments.h"
#include "tests/support/api_samples.h"
#include "tests/support/catch.h"
#include "tests/support/fake_cluster.h"
#include "tests/support/program_runner.h"
#include "tests/support/scratch_folder.h"

namespace interceptor::coordinator {
namespace {

using Environment = std::map<std::string, std::string>;

void Fill(FakeCluster& cluster) {
  cluster.status = RunningStatus();
  cluster.chunks = SampleChunks();
  cluster.checkpoints = SampleCheckpoints();
  cluster.events = SampleEvents();
  cluster.evaluations = SampleEvaluations();
  cluster.worker = SampleWorker();
}

int Lines(const std::string& text) { return static_cast<int>(std::count(text.begin(), text.end(), '\n')); }

// One cluster that answers, and the program that asks it.
struct Asked {
  Asked() {
    Fill(cluster);
    cluster.Start("127.0.0.1:0");
  }

  Finished Run(const std::vector<std::string>& arguments) {
    return RunInterceptor(arguments, {{"INTERCEPTOR_COORDINATOR", cluster.address()}, {"LANG", "C.UTF-8"}});
  }

  FakeCluster cluster;
};

CATCH_TEST_CASE("Nothing listening: 7, nothing on stdout, one line that names the address and the remedy") {
  ScratchFolder folder;
  const std::string address = "unix:" + folder.File("nobody.sock");
  for (const std::vector<std::string>& verb :
       std::vector<std::vector<std::string>>{{"status"},
                                             {"status", "-o", "json"},
                                             {"watch"},
                                             {"describe", "BG"},
                                             {"chunks"},
                                             {"checkpoints"},
                                             {"events"},
                                             {"evaluations"},
                                             {"bias"},
                                             {"drain", "anna"},
                                             {"pause"},
                                             {"resume"},
                                             {"pin", "x"},
                                             {"unpin", "x"},
                                             {"checkpoints", "--verify"},
                                             {"backup"}}) {
    const Finished finished = RunInterceptor(verb, {{"INTERCEPTOR_COORDINATOR", address}});
    CATCH_INFO(verb.front() << ": " << finished.err);
    CATCH_CHECK(finished.exit_code == kExitUnavailable);
    CATCH_CHECK(finished.out.empty());
    CATCH_CHECK(Lines(finished.err) == 1);
    CATCH_CHECK(finished.err.find(address) != std::string::npos);
    CATCH_CHECK(finished.err.find("interceptor-coordinator --plan") != std::string::npos);
  }
}

CATCH_TEST_CASE("A coordinator that does not answer in time: 7") {
  FakeCluster cluster;
  cluster.silent = true;
  cluster.Start("127.0.0.1:0");
  const Finished finished =
      RunInterceptor({"status", "--coordinator", cluster.address(), "--timeout", "0.2"}, {});
  CATCH_CHECK(finished.exit_code == kExitUnavailable);
  CATCH_CHECK(finished.err.find("within 200ms") != std::string::npos);
  // A stream on which nothing comes is given up as well.
  CATCH_CHECK(
      RunInterceptor({"watch", "--coordinator", cluster.address(), "--timeout", "0.2"}, {}).exit_code ==
      kExitUnavailable);
}

CATCH_TEST_CASE("Usage errors: 2, one line on stderr") {
  for (const std::vector<std::string>& arguments :
       std::vector<std::vector<std::string>>{{},
                                             {"nonsense"},
                                             {"status", "--nonsense"},
                                             {"status", "extra"},
                                             {"status", "-o", "yaml"},
                                             {"describe"},
                                             {"drain"},
                                             {"pin"},
                                             {"checkpoints", "XX"},
                                             {"events", "--limit", "0"},
                                             {"status", "--timeout", "0"},
                                             {"status", "--coordinator", "nowhere"},
                                             {"status", "--coordinator", "host:99999"}}) {
    const Finished finished = RunInterceptor(arguments, {});
    CATCH_INFO(finished.err);
    CATCH_CHECK(finished.exit_code == kExitUsage);
    CATCH_CHECK(finished.out.empty());
    CATCH_CHECK(Lines(finished.err) == 1);
  }
  CATCH_CHECK(RunInterceptor({"nonsense"}, {}).err.find("there is no verb 'nonsense'") != std::string::npos);
}

CATCH_TEST_CASE("Every verb's help has an example and goes to stdout") {
  for (const std::string verb :
       {"status", "watch", "describe", "chunks", "checkpoints", "events", "evaluations", "bias", "drain",
        "pause", "resume", "pin", "unpin", "backup"}) {
    const Finished finished = RunInterceptor({verb, "--help"}, {});
    CATCH_CHECK(finished.exit_code == kExitOk);
    CATCH_CHECK(finished.out.find("  interceptor " + verb) != std::string::npos);
    CATCH_CHECK(finished.err.empty());
  }
  CATCH_CHECK(RunInterceptor({"--help"}, {}).out.find("Exit codes") != std::string::npos);
  CATCH_CHECK(RunInterceptor({"--version"}, {}).out.find("interceptor ") == 0);
}

CATCH_TEST_CASE("The address is the flag, before the environment") {
  Asked asked;
  const Environment wrong = {{"INTERCEPTOR_COORDINATOR", "127.0.0.1:1"}};
  CATCH_CHECK(RunInterceptor({"--coordinator", asked.cluster.address(), "status"}, wrong).exit_code ==
              kExitOk);
  CATCH_CHECK(RunInterceptor({"status", "--coordinator", asked.cluster.address()}, wrong).exit_code ==
              kExitOk);
  CATCH_CHECK(asked.Run({"status"}).exit_code == kExitOk);

  FakeCluster on_socket;
  Fill(on_socket);
  ScratchFolder folder;
  on_socket.Start("unix:" + folder.File("head.sock"));
  CATCH_CHECK(RunInterceptor({"status", "--coordinator", on_socket.address()}, wrong).exit_code == kExitOk);
}

CATCH_TEST_CASE("The JSON of every verb is what its golden file says") {
  Asked asked;
  const std::vector<std::pair<std::string, std::vector<std::string>>> goldens = {
      {"status.json", {"status"}},
      {"describe_member.json", {"describe", "anna"}},
      {"describe_specialist.json", {"describe", "BG"}},
      {"describe_chunk.json", {"describe", "00"}},
      {"chunks.json", {"chunks"}},
      {"checkpoints.json", {"checkpoints"}},
      {"events.json", {"events"}},
      {"evaluations.json", {"evaluations"}},
  };
  for (auto [file, arguments] : goldens) {
    arguments.insert(arguments.end(), {"-o", "json"});
    const Finished finished = asked.Run(arguments);
    CATCH_CHECK(finished.exit_code == kExitOk);
    CATCH_CHECK(finished.err.empty());
    CATCH_CHECK(GoldenDifference(file, finished.out) == "");
  }
}

CATCH_TEST_CASE("The table on stdout is what the renderer made") {
  Asked asked;
  const Finished finished = asked.Run({"status"});
  CATCH_CHECK(finished.err.empty());
  CATCH_CHECK(GoldenDifference("status_running.txt", finished.out) == "");
}

CATCH_TEST_CASE("Lists are read to their last page, or to --limit") {
  Asked asked;
  CATCH_CHECK(Lines(asked.Run({"events"}).out) == 4);
  CATCH_CHECK(Lines(asked.Run({"events", "--limit", "1"}).out) == 2);
  CATCH_CHECK(Lines(asked.Run({"events", "--limit", "3"}).out) == 4);
  CATCH_CHECK(Lines(asked.Run({"events", "--subject", "train/"}).out) == 2);
  CATCH_CHECK(Lines(asked.Run({"checkpoints"}).out) == 5);
  CATCH_CHECK(Lines(asked.Run({"checkpoints", "av"}).out) == 3);
  CATCH_CHECK(Lines(asked.Run({"chunks"}).out) == 8);
  const Finished none = asked.Run({"checkpoints", "TM"});
  CATCH_CHECK(none.exit_code == kExitOk);
  CATCH_CHECK(none.out.empty());
  CATCH_CHECK(none.err == "no checkpoints yet\n");
}

CATCH_TEST_CASE("A coordinator that turns in circles does not hang a list") {
  FakeCluster cluster;
  cluster.events = SampleEvents();
  cluster.endless_pages = true;
  cluster.Start("127.0.0.1:0");
  CATCH_CHECK(RunInterceptor({"events", "--coordinator", cluster.address()}, {}).exit_code == kExitError);
}

CATCH_TEST_CASE("status --check: 3 unless healthy") {
  FakeCluster cluster;
  cluster.status = DegradedStatus();
  cluster.Start("127.0.0.1:0");
  const Environment environment = {{"INTERCEPTOR_COORDINATOR", cluster.address()}};
  CATCH_CHECK(RunInterceptor({"status"}, environment).exit_code == kExitOk);
  CATCH_CHECK(RunInterceptor({"status", "--check"}, environment).exit_code == kExitDegraded);
  CATCH_CHECK(RunInterceptor({"status", "--check", "-o", "json"}, environment).exit_code == kExitDegraded);
  Asked healthy;
  CATCH_CHECK(healthy.Run({"status", "--check"}).exit_code == kExitOk);
}

CATCH_TEST_CASE("describe chooses by what the name matches") {
  Asked asked;
  CATCH_CHECK(asked.Run({"describe", "bg"}).out.find("SPECIALIST BG") == 0);
  CATCH_CHECK(asked.Run({"describe", "train/BG"}).out.find("SPECIALIST BG") == 0);
  CATCH_CHECK(asked.Run({"describe", "anna"}).out.find("MEMBER anna") == 0);
  CATCH_CHECK(asked.Run({"describe", "01"}).out.find("CHUNK 01") == 0);
  CATCH_CHECK(asked.Run({"describe", "chunk/01"}).out.find("CHUNK 01") == 0);
  for (const std::string name : {"nobody", "chunk/anna", "member/BG", "planet/mars"}) {
    const Finished finished = asked.Run({"describe", name});
    CATCH_CHECK(finished.exit_code == kExitNotFound);
    CATCH_CHECK(finished.out.empty());
    CATCH_CHECK(Lines(finished.err) == 1);
  }
  CATCH_CHECK(asked.Run({"describe", "nobody"}).err.find("members anna bert cora dora") != std::string::npos);
}

CATCH_TEST_CASE("Mutations reach the coordinator and say so on stderr") {
  Asked asked;
  for (const std::vector<std::string>& verb :
       std::vector<std::vector<std::string>>{{"drain", "anna"},
                                             {"pause", "--reason", "new disk"},
                                             {"resume"},
                                             {"pin", "BG-000000003000"},
                                             {"unpin", "BG-000000003000"}}) {
    const Finished finished = asked.Run(verb);
    CATCH_INFO(finished.err);
    CATCH_CHECK(finished.exit_code == kExitOk);
    CATCH_CHECK(finished.out.empty());
    CATCH_CHECK(Lines(finished.err) == 1);
  }
  CATCH_CHECK(asked.cluster.mutations() == std::vector<std::string>{"drain: anna", "pause: new disk",
                                                                    "resume", "pin: BG-000000003000",
                                                                    "unpin: BG-000000003000"});
  for (const std::vector<std::string>& verb :
       std::vector<std::vector<std::string>>{{"drain", "nobody"}, {"pin", "BG-1"}, {"unpin", "BG-1"}}) {
    CATCH_CHECK(asked.Run(verb).exit_code == kExitNotFound);
  }
}

CATCH_TEST_CASE("Colour on a terminal only, and not with NO_COLOR or TERM=dumb") {
  FakeCluster cluster;
  cluster.status = DegradedStatus();
  cluster.Start("127.0.0.1:0");
  const auto coloured = [&](Environment environment) {
    environment["INTERCEPTOR_COORDINATOR"] = cluster.address();
    TerminalSession session({"status"}, environment);
    CATCH_CHECK(session.Wait() == kExitOk);
    CATCH_CHECK(session.output().find("DEGRADED") != std::string::npos);
    return session.output().find('\x1b') != std::string::npos;
  };
  CATCH_CHECK(coloured({{"TERM", "xterm"}}));
  CATCH_CHECK_FALSE(coloured({{"TERM", "xterm"}, {"NO_COLOR", "1"}}));
  CATCH_CHECK_FALSE(coloured({{"TERM", "dumb"}}));
  CATCH_CHECK_FALSE(coloured({}));
  const Finished piped = RunInterceptor({"status", "--coordinator", cluster.address()}, {{"TERM", "xterm"}});
  CATCH_CHECK(piped.out.find('\x1b') == std::string::npos);
}

CATCH_TEST_CASE("Hostile text reaches neither terminal nor script as it is") {
  FakeCluster cluster;
  cluster.status = HostileStatus();
  cluster.events = SampleEvents();
  cluster.events.mutable_events(0)->set_text("\x1b]0;owned\x07");
  cluster.Start("127.0.0.1:0");
  for (const std::vector<std::string>& verb : std::vector<std::vector<std::string>>{{"status"},
                                                                                    {"status", "-o", "json"},
                                                                                    {"events"},
                                                                                    {"events", "-o", "json"},
                                                                                    {"describe", "BG"},
                                                                                    {"drain", "\x1b[2J"}}) {
    std::vector<std::string> arguments = verb;
    arguments.insert(arguments.end(), {"--coordinator", cluster.address()});
    const Finished finished = RunInterceptor(arguments, {{"LANG", "C.UTF-8"}});
    CATCH_CHECK(finished.out.find('\x1b') == std::string::npos);
    CATCH_CHECK(finished.err.find('\x1b') == std::string::npos);
    CATCH_CHECK(finished.out.find('\x07') == std::string::npos);
  }
}

// For a person who wants to look: INTERCEPTOR_SERVE=127.0.0.1:50099 coordinator_cli_test "[serve]", then
// Enter.
CATCH_TEST_CASE("Serves the samples until a line is typed", "[.][serve]") {
  const char* address = std::getenv("INTERCEPTOR_SERVE");
  CATCH_REQUIRE(address != nullptr);
  FakeCluster cluster;
  Fill(cluster);
  const char* state = std::getenv("INTERCEPTOR_SERVE_STATE");
  const std::string name = state == nullptr ? "running" : state;
  cluster.status = name == "degraded"  ? DegradedStatus()
                   : name == "hostile" ? HostileStatus()
                   : name == "done"    ? DoneStatus()
                   : name == "empty"   ? EmptyStatus()
                                       : RunningStatus();
  cluster.snapshots = {cluster.status};
  cluster.last_snapshot = DoneStatus();
  cluster.Start(address);
  std::string line;
  std::getline(std::cin, line);
  cluster.Continue();
  std::getline(std::cin, line);
}

CATCH_TEST_CASE("checkpoints --verify says of each what was found, and leaves with 1 when one is damaged") {
  Asked asked;
  const std::string id = asked.cluster.checkpoints.checkpoints(0).id();
  const Finished intact = asked.Run({"checkpoints", "--verify"});
  CATCH_CHECK(intact.exit_code == kExitOk);
  CATCH_CHECK(Lines(intact.out) == asked.cluster.checkpoints.checkpoints_size());
  CATCH_CHECK(intact.out.find("other bytes") == std::string::npos);
  asked.cluster.damaged = id;
  const Finished damaged = asked.Run({"checkpoints", "--verify"});
  CATCH_CHECK(damaged.exit_code == kExitError);
  CATCH_CHECK(damaged.out.find("holds other bytes") != std::string::npos);
  const Finished json = asked.Run({"checkpoints", "--verify", "-o", "json"});
  CATCH_CHECK(json.exit_code == kExitError);
  CATCH_CHECK(json.out.find(Cat('"', id, "\": {")) != std::string::npos);
  CATCH_CHECK(json.out.find("\"intact\": false") != std::string::npos);
}

CATCH_TEST_CASE("backup prints the folder alone on stdout, and fails when blobs are missing from it") {
  Asked asked;
  asked.cluster.backup.set_folder("/state/backups/2026");
  asked.cluster.backup.set_events(12);
  asked.cluster.backup.set_blobs(3);
  const Finished made = asked.Run({"backup"});
  CATCH_CHECK(made.exit_code == kExitOk);
  CATCH_CHECK(made.out == "/state/backups/2026\n");
  CATCH_CHECK(made.err.find("12 events and 3 blobs") != std::string::npos);
  asked.cluster.backup.set_missing(2);
  const Finished short_of = asked.Run({"backup"});
  CATCH_CHECK(short_of.exit_code == kExitError);
  CATCH_CHECK(short_of.err.find("2 blobs are missing") != std::string::npos);
}

}  // namespace
}  // namespace interceptor::coordinator
