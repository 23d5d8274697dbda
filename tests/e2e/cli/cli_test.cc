// `interceptor` against a real `interceptor-coordinator`: two processes, a scripted worker, the exit codes
// and the words that people see.
#include <signal.h>

#include <algorithm>
#include <fstream>

#include "common/base/status.h"
#include "tests/support/catch.h"
#include "tests/support/process.h"
#include "tests/support/scratch_folder.h"
#include "tests/support/scripted_worker.h"

namespace interceptor {
namespace {

constexpr char kPlan[] = R"(
name: "e2e"
members { name: "anna" specialists: "BG" specialists: "AV" }
members { name: "dora" integrates: true }
chunks { name: "00" } chunks { name: "01" }
scheduling { lease_ttl_seconds: 3600 handover_seconds: 3600 }
)";

struct Answer {
  int exit_code = -1;
  std::string out;
  std::string err;
};

class Cluster {
 public:
  Cluster() {
    std::ofstream(folder_.File("plan.txtpb")) << kPlan;
    Start();
  }

  void Start() {
    coordinator_ = std::make_unique<Process>(
        INTERCEPTOR_COORDINATOR_PROGRAM,
        std::vector<std::string>{"--plan", folder_.File("plan.txtpb"), "--state", folder_.File("state"),
                                 "--listen", "unix:" + folder_.File("head.sock")});
    const absl::StatusOr<std::string> address = coordinator_->AwaitLine("listening on ");
    CATCH_CAPTURE(Message(address.status()));
    CATCH_REQUIRE(address.ok());
    address_ = *address;
  }

  void Kill() {
    coordinator_->Signal(SIGKILL);
    CATCH_REQUIRE(coordinator_->Wait().ok());
  }

  std::unique_ptr<Process> Begin(std::vector<std::string> arguments) const {
    return std::make_unique<Process>(
        INTERCEPTOR_CLI_PROGRAM, arguments,
        std::map<std::string, std::string>{{"INTERCEPTOR_COORDINATOR", address_}});
  }

  Answer Ask(std::vector<std::string> arguments) const {
    const std::unique_ptr<Process> process = Begin(std::move(arguments));
    const absl::StatusOr<int> code = process->Wait();
    CATCH_REQUIRE(code.ok());
    return {*code, process->out(), process->err()};
  }

  const std::string& address() const { return address_; }

 private:
  ScratchFolder folder_;
  std::unique_ptr<Process> coordinator_;
  std::string address_;
};

bool Contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

CATCH_TEST_CASE("A new plan is shown as it is: nobody connected, nothing measured") {
  const Cluster cluster;
  const Answer status = cluster.Ask({"status"});
  CATCH_INFO(status.out << status.err);
  CATCH_CHECK(status.exit_code == 0);
  CATCH_CHECK(Contains(status.out, "plan e2e"));
  CATCH_CHECK(Contains(status.out, "0 of 2 rounds"));
  CATCH_CHECK(Contains(status.out, "not seen yet"));
  CATCH_CHECK(Contains(status.out, "interceptor-worker"));
  CATCH_CHECK_FALSE(Contains(status.out, "INSECURE"));
  CATCH_CHECK_FALSE(Contains(status.out, "0.000"));
  CATCH_CHECK(Contains(cluster.Ask({"chunks"}).out, "01"));
  CATCH_CHECK(Contains(cluster.Ask({"describe", "BG"}).out, "SPECIALIST BG"));
  CATCH_CHECK(Contains(cluster.Ask({"describe", "00"}).out, "not committed yet"));
  CATCH_CHECK(cluster.Ask({"checkpoints"}).err == "no checkpoints yet\n");
  CATCH_CHECK(cluster.Ask({"evaluations"}).err == "no evaluations yet\n");
}

CATCH_TEST_CASE("A worker that connects is seen by status, describe, chunks and events") {
  const Cluster cluster;
  ScriptedWorker anna(cluster.address());
  CATCH_REQUIRE(anna.Attach(ScriptedWorker::MakeHello("anna", std::string(32, 'a'))).ok());
  const absl::StatusOr<v1::Assignment> assignment = anna.AwaitAssignment("train/BG");
  CATCH_REQUIRE(assignment.ok());
  const auto held = [](const v1::GetStatusResponse& answer) {
    return std::any_of(answer.tasks().begin(), answer.tasks().end(), [](const v1::TaskStatus& task) {
      return task.task() == "train/BG" && task.holder_member() == "anna";
    });
  };
  CATCH_REQUIRE(AwaitStatus(cluster.address(), held).ok());
  const Answer status = cluster.Ask({"status"});
  CATCH_INFO(status.out << status.err);
  CATCH_CHECK(Contains(status.out, "connected"));
  CATCH_CHECK(Contains(cluster.Ask({"describe", "anna"}).out, "MEMBER anna"));
  CATCH_CHECK(Contains(cluster.Ask({"chunks"}).out, "anna"));
  CATCH_CHECK(Contains(cluster.Ask({"events", "--subject", "train/BG"}).out, "task_granted"));
  CATCH_CHECK(Contains(cluster.Ask({"describe", "bg"}).out, "task_granted"));
  const Answer json = cluster.Ask({"status", "-o", "json"});
  CATCH_CHECK(Contains(json.out, "\"holder_member\": \"anna\""));
  CATCH_CHECK(json.err.empty());

  CATCH_CHECK(cluster.Ask({"drain", "anna"}).exit_code == 0);
  CATCH_CHECK(anna.Await(v1::Directive::kDrain).ok());
}

CATCH_TEST_CASE("Pausing shows in status and its exit code, and resuming ends it") {
  const Cluster cluster;
  CATCH_CHECK(cluster.Ask({"pause", "--reason", "new disk"}).exit_code == 0);
  const auto paused = [](const v1::GetStatusResponse& answer) { return answer.paused(); };
  CATCH_REQUIRE(AwaitStatus(cluster.address(), paused).ok());
  const Answer status = cluster.Ask({"status", "--check"});
  CATCH_INFO(status.out << status.err);
  CATCH_CHECK(status.exit_code == 3);
  CATCH_CHECK(Contains(status.out, "PAUSED"));
  CATCH_CHECK(Contains(status.out, "new disk"));
  CATCH_CHECK(Contains(status.out, "interceptor resume"));
  CATCH_CHECK(cluster.Ask({"resume"}).exit_code == 0);
  const auto resumed = [](const v1::GetStatusResponse& answer) { return !answer.paused(); };
  CATCH_REQUIRE(AwaitStatus(cluster.address(), resumed).ok());
  CATCH_CHECK_FALSE(Contains(cluster.Ask({"status"}).out, "PAUSED"));
  const Answer newest = cluster.Ask({"events", "--limit", "2"});
  CATCH_CHECK(newest.out.find("plan_resumed") < newest.out.find("plan_paused"));
  CATCH_CHECK(Contains(newest.out, "plan_paused"));
}

CATCH_TEST_CASE("What does not exist is 4, with its name") {
  const Cluster cluster;
  for (const std::vector<std::string>& arguments :
       std::vector<std::vector<std::string>>{{"drain", "nobody"},
                                             {"describe", "nobody"},
                                             {"pin", "BG-000000000042"},
                                             {"unpin", "BG-000000000042"}}) {
    const Answer answer = cluster.Ask(arguments);
    CATCH_INFO(arguments.front() << ": " << answer.err);
    CATCH_CHECK(answer.exit_code == 4);
    CATCH_CHECK(answer.out.empty());
    CATCH_CHECK(Contains(answer.err, arguments.back()));
  }
}

CATCH_TEST_CASE("watch goes on through kill -9 and restart of the coordinator") {
  Cluster cluster;
  const std::unique_ptr<Process> watch = cluster.Begin({"watch", "--timeout", "60"});
  CATCH_REQUIRE(watch->AwaitLine("2").ok());
  cluster.Kill();
  CATCH_CHECK(cluster.Ask({"status"}).exit_code == 7);
  cluster.Start();
  CATCH_REQUIRE(cluster.Ask({"pause", "--reason", "after the restart"}).exit_code == 0);
  // Each question takes the time of a process, which is what the watcher needs to connect again.
  for (int question = 0; question < 500 && !Contains(watch->out(), "plan        paused"); ++question) {
    CATCH_REQUIRE(cluster.Ask({"status"}).exit_code == 0);
  }
  CATCH_INFO(watch->out() << watch->err());
  CATCH_CHECK(Contains(watch->out(), "plan        paused"));
  CATCH_CHECK(Contains(watch->err(), "trying again"));
  watch->Signal(SIGTERM);
  CATCH_CHECK(watch->Wait().ok());
}

}  // namespace
}  // namespace interceptor
