// interceptor-coordinator as people run it: its line on stdout, its exit codes, its errors, and kill -9.
#include <signal.h>
#include <sys/stat.h>

#include <fstream>

#include "common/base/ids.h"
#include "common/base/status.h"
#include "common/io/atomic_file.h"
#include "common/rpc/channel.h"
#include "common/rpc/status_bridge.h"
#include "tests/support/catch.h"
#include "tests/support/process.h"
#include "tests/support/scratch_folder.h"
#include "tests/support/scripted_worker.h"

namespace interceptor {
namespace {

constexpr char kPlan[] = R"(
name: "e2e"
members { name: "member-1" specialists: "BG" specialists: "AV" }
members { name: "member-4" integrates: true }
chunks { name: "00" } chunks { name: "01" }
scheduling { lease_ttl_seconds: 3600 handover_seconds: 3600 }
)";

class Bench {
 public:
  explicit Bench(std::string_view plan = kPlan) { WritePlan(plan); }

  void WritePlan(std::string_view text) {
    CATCH_REQUIRE(WriteFileAtomically(SystemFiles(), folder_.File("plan.txtpb"), text).ok());
  }
  std::string state() const { return folder_.File("state"); }

  std::unique_ptr<Process> Start(const std::string& listen = "127.0.0.1:0",
                                 std::vector<std::string> more = {}) const {
    more.insert(more.end(), {"--plan", folder_.File("plan.txtpb"), "--state", state(), "--listen", listen});
    return std::make_unique<Process>(INTERCEPTOR_PROGRAM, more);
  }

  // Expects it to end by itself; what it said on stderr.
  std::string FaultOf(int exit_code, const std::string& listen = "127.0.0.1:0") const {
    const std::unique_ptr<Process> process = Start(listen);
    const absl::StatusOr<int> code = process->Wait();
    CATCH_CAPTURE(process->err());
    CATCH_REQUIRE(code.ok());
    CATCH_CHECK(*code == exit_code);
    CATCH_CHECK(process->out().empty());
    return process->err();
  }

 private:
  ScratchFolder folder_;
};

std::string AddressOf(Process& process) {
  const absl::StatusOr<std::string> address = process.AwaitLine("listening on ");
  CATCH_CAPTURE(Message(address.status()));
  CATCH_REQUIRE(address.ok());
  return *address;
}

absl::Status Pause(const std::string& address, const std::string& request_id) {
  const auto stub = v1::ClusterService::NewStub(NewChannel(address));
  grpc::ClientContext context;
  SetDeadline(context, kTestDeadline);
  v1::PausePlanRequest request;
  request.set_reason("test");
  request.set_request_id(request_id);
  v1::PausePlanResponse response;
  return FromGrpcStatus(stub->PausePlan(&context, request, &response));
}

bool Contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

v1::CheckpointProposal MakeProposal(const v1::TaskRef& task, int64_t step, const Digest& blob) {
  v1::CheckpointProposal proposal;
  proposal.set_request_id(NewId());
  *proposal.mutable_task() = task;
  v1::Checkpoint& checkpoint = *proposal.mutable_checkpoint();
  checkpoint.set_specialist("BG");
  *checkpoint.mutable_blob() = ToProtoDigest(blob);
  checkpoint.set_step(step);
  checkpoint.mutable_cursor()->set_position(step);
  checkpoint.set_reason("save_now");
  return proposal;
}

}  // namespace

CATCH_TEST_CASE("It says one line when it serves and leaves in order on SIGTERM and when its terminal closes") {
  for (const int stop : {SIGTERM, SIGHUP}) {
    const Bench bench;
    const std::unique_ptr<Process> process = bench.Start();
    const std::string address = AddressOf(*process);
    CATCH_CHECK(GetStatus(address).value().plan_name() == "e2e");
    CATCH_CHECK_FALSE(GetStatus(address).value().insecure());
    ScriptedWorker worker(address);
    CATCH_REQUIRE(worker.Attach(ScriptedWorker::MakeHello("member-1", "box-a")).ok());
    process->Signal(stop);
    if (stop == SIGHUP) process->Signal(stop);  // as shell and kernel do
    CATCH_CHECK(absl::IsUnavailable(worker.AwaitEnd()));
    CATCH_CHECK(process->Wait().value() == 0);
    CATCH_CHECK(process->out() == "listening on " + address + "\n");
    CATCH_CHECK(SystemFiles().Exists(bench.state() + "/plan.txtpb"));
  }
}

CATCH_TEST_CASE("What was acknowledged survives kill -9, at whatever moment it comes") {
  const Bench bench;
  v1::Hello hello = ScriptedWorker::MakeHello("member-1", "box-a");
  int64_t acknowledged = 0;
  int64_t term = 0;
  for (int round = 0; round < 6; ++round) {
    const std::unique_ptr<Process> process = bench.Start();
    const std::string address = AddressOf(*process);
    const v1::GetStatusResponse status = GetStatus(address).value();
    const int64_t recovered = status.tasks(0).newest_checkpoint().step();
    // What was sent and not answered may have happened, what was answered must have.
    CATCH_CHECK(recovered >= acknowledged);
    CATCH_CHECK(recovered <= acknowledged + 1);
    acknowledged = recovered;
    if (round > 0) {
      CATCH_CHECK(status.tasks(0).holder_box() == "box-a");
      CATCH_CHECK(status.tasks(0).term() == term);
    }

    ScriptedWorker worker(address);
    const absl::StatusOr<v1::Welcome> welcome = worker.Attach(hello);
    CATCH_REQUIRE(welcome.ok());
    if (round == 0) {
      const v1::TaskRef task = worker.AwaitAssignment("train/BG")->task();
      term = task.term();
      *hello.add_held() = task;
      hello.set_plan_digest(welcome->plan_digest());
    } else {
      CATCH_CHECK(worker.Await(v1::Directive::kRenewed)->renewed().task().term() == term);
    }
    const int before_kill = 1 + round % 3;
    for (int i = 0; i <= before_kill; ++i) {
      const std::string bytes = Cat("checkpoint ", acknowledged + 1);
      const Digest blob = DigestOf(bytes);
      CATCH_REQUIRE(UploadBlob(address, blob, bytes).ok());
      v1::WorkerUpdate update;
      *update.mutable_checkpoint() = MakeProposal(hello.held(0), acknowledged + 1, blob);
      worker.Send(update);
      if (i == before_kill) break;
      CATCH_REQUIRE(worker.AwaitAnswer(update.checkpoint().request_id()).ok());
      ++acknowledged;
    }
    process->Signal(SIGKILL);
    CATCH_CHECK(process->Wait().value() == 128 + SIGKILL);
  }
}

CATCH_TEST_CASE("A request is carried out once though the coordinator was killed in between") {
  const Bench bench;
  const std::string id = NewId();
  std::unique_ptr<Process> process = bench.Start();
  CATCH_REQUIRE(Pause(AddressOf(*process), id).ok());
  process->Signal(SIGKILL);
  CATCH_REQUIRE(process->Wait().ok());
  process = bench.Start();
  const std::string address = AddressOf(*process);
  const int64_t events = GetStatus(address).value().events();
  CATCH_CHECK(Pause(address, id).ok());
  CATCH_CHECK(GetStatus(address).value().events() == events);
  CATCH_CHECK(GetStatus(address).value().paused());
}

CATCH_TEST_CASE("One coordinator a state folder") {
  const Bench bench;
  const std::unique_ptr<Process> first = bench.Start();
  const std::string address = AddressOf(*first);
  CATCH_CHECK(Contains(bench.FaultOf(1), bench.state()));
  CATCH_CHECK(GetStatus(address).ok());
}

CATCH_TEST_CASE("A state folder stays with its plan") {
  Bench bench;
  std::string digest;
  {
    const std::unique_ptr<Process> process = bench.Start();
    digest = GetStatus(AddressOf(*process)).value().plan_digest();
  }
  bench.WritePlan(Cat(kPlan, "seed: 2\n"));
  const std::string fault = bench.FaultOf(1);
  CATCH_CHECK(Contains(fault, digest));
  CATCH_CHECK(Contains(fault, "state"));
  bench.WritePlan(kPlan);
  const std::unique_ptr<Process> process = bench.Start();
  CATCH_CHECK(GetStatus(AddressOf(*process)).value().plan_digest() == digest);
}

CATCH_TEST_CASE("A journal of a newer version is refused untouched with 78") {
  const Bench bench;
  { AddressOf(*bench.Start()); }
  const std::string journal = bench.state() + "/journal.sqlite";
  {
    // SQLite keeps user_version big-endian at byte 60 of the file.
    std::fstream file(journal, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(60);
    file.write("\0\0\0\x63", 4);
  }
  const std::string before = ReadWholeFile(SystemFiles(), journal).value();
  CATCH_CHECK(Contains(bench.FaultOf(78), "newer"));
  CATCH_CHECK(ReadWholeFile(SystemFiles(), journal).value() == before);
}

CATCH_TEST_CASE("An address in use, one beyond loopback, a plan that is wrong: one line each") {
  Bench bench;
  {
    const Bench other;
    const std::unique_ptr<Process> process = other.Start();
    const std::string address = AddressOf(*process);
    CATCH_CHECK(Contains(bench.FaultOf(7, address), address));
  }
  CATCH_CHECK(Contains(bench.FaultOf(1, "0.0.0.0:0"), "--insecure-listen"));
  {
    const std::unique_ptr<Process> open = bench.Start("0.0.0.0:0", {"--insecure-listen"});
    const std::string address = AddressOf(*open);
    CATCH_CHECK(GetStatus("127.0.0.1" + address.substr(address.rfind(':'))).value().insecure());
  }
  bench.WritePlan(Cat(kPlan, "sead: 2\n"));
  const std::string unknown = bench.FaultOf(1);
  CATCH_CHECK(Contains(unknown, "plan.txtpb:7:"));
  CATCH_CHECK(Contains(unknown, "sead"));
  bench.WritePlan(Cat(kPlan, "recipe { batch_size: 3 }\n"));
  CATCH_CHECK(Contains(bench.FaultOf(1), "recipe.batch_size is 3"));

  Process none(INTERCEPTOR_PROGRAM, {"--plan", "/nowhere.txtpb", "--state", bench.state()});
  CATCH_CHECK(none.Wait().value() == 4);
  CATCH_CHECK(Contains(none.err(), "/nowhere.txtpb"));
  Process usage(INTERCEPTOR_PROGRAM, {"--plam", "x"});
  CATCH_CHECK(usage.Wait().value() == 2);
  Process help(INTERCEPTOR_PROGRAM, {"--help"});
  CATCH_CHECK(help.Wait().value() == 0);
  CATCH_CHECK(Contains(help.out(), "Example"));
}

CATCH_TEST_CASE("The plans of the house start") {
  for (const char* name : {"master.txtpb", "demo.txtpb"}) {
    CATCH_CAPTURE(name);
    const ScratchFolder folder;
    Process process(INTERCEPTOR_PROGRAM, {"--plan", Cat(INTERCEPTOR_PLANS, "/", name), "--state",
                                          folder.File("s"), "--listen", "unix:" + folder.File("c")});
    const v1::GetStatusResponse status = GetStatus(AddressOf(process)).value();
    CATCH_CHECK(status.tasks_size() == 7);
    CATCH_CHECK(status.workers_size() == 4);
    CATCH_CHECK(status.chunks_total() == 10);
  }
}

CATCH_TEST_CASE("A disk that fills up makes it read-only, loses nothing, and heals") {
  // A tiny disk in a mount namespace of its own; its files are reached through the process's root.
  Process allowed("unshare", {"--user", "--map-root-user", "--mount", "true"});
  if (allowed.Wait().value() != 0) {
    CATCH_WARN("no namespaces on this machine: the loop's own test covers a full disk");
    return;
  }
  const Bench bench;
  const ScratchFolder folder;
  const std::string disk = folder.File("disk");
  CATCH_REQUIRE(SystemFiles().MakeFolder(disk).ok());
  const std::string plan = Cat(bench.state().substr(0, bench.state().rfind('/')), "/plan.txtpb");
  Process process("unshare", {"--user", "--map-root-user", "--mount", "sh", "-c",
                              Cat("mount -t tmpfs -o size=16m tmpfs ", disk, " && exec ", INTERCEPTOR_PROGRAM,
                                  " --plan ", plan, " --state ", disk, "/state --listen 127.0.0.1:0")});
  const std::string address = AddressOf(process);
  CATCH_REQUIRE(Pause(address, NewId()).ok());
  const int64_t events = GetStatus(address).value().events();

  const std::string filler = Cat("/proc/", process.pid(), "/root", disk, "/filler");
  const auto fill = [&] {
    std::ofstream file(filler, std::ios::app | std::ios::binary);
    const std::string block(4096, 'f');
    while (file.write(block.data(), static_cast<std::streamsize>(block.size())).flush()) {
    }
  };
  // The first time around the ballast makes room, so more is filled until nothing is left.
  absl::Status status;
  for (int i = 0; i < 50 && !absl::IsResourceExhausted(status); ++i) {
    fill();
    status = Pause(address, NewId());
  }
  CATCH_CHECK(absl::IsResourceExhausted(status));
  CATCH_CHECK(Contains(Message(status), "read-only"));
  const v1::GetStatusResponse full = GetStatus(address).value();
  CATCH_CHECK(full.health() == v1::GetStatusResponse::HEALTH_DEGRADED);
  CATCH_CHECK(full.events() >= events);

  CATCH_REQUIRE(SystemFiles().Remove(filler).ok());
  const auto healed = [](const v1::GetStatusResponse& now) {
    for (const std::string& problem : now.problems()) {
      if (Contains(problem, "read-only")) return false;
    }
    return true;
  };
  CATCH_CHECK(AwaitStatus(address, healed).ok());
  CATCH_CHECK(Pause(address, NewId()).ok());
}

}  // namespace interceptor
