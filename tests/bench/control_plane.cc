// interceptor-bench-control-plane: what many workers cost one coordinator, beside a bare gRPC echo of the
// same streams. Drives the real program over loopback; prints one JSON object. docs/performance.md says what
// each figure is.
#include <sys/resource.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <filesystem>
#include <iostream>

#include "common/base/clock.h"
#include "common/base/ids.h"
#include "common/base/status.h"
#include "common/io/atomic_file.h"
#include "common/rpc/channel.h"
#include "common/rpc/status_bridge.h"
#include "tests/bench/echo.h"
#include "tests/bench/fleet.h"
#include "tests/support/process.h"
#include "tests/support/process_usage.h"
#include "tests/support/scratch_folder.h"
#include "tests/support/scripted_worker.h"

namespace interceptor {
namespace {

struct Arguments {
  int streams = 10'000;
  int streams_per_connection = 50;
  int own_connections = 1'000;
  int seconds = 20;
  int grouped = 4'000;
  int grants = 500;
  int pairs = 3;
  std::string program;
  std::string echo;  // this program
};

// The last member integrates; each other one trains a specialist of its own.
std::string PlanOf(int members) {
  std::string plan = "name: \"bench\"\n";
  for (int i = 0; i + 1 < members; ++i)
    plan += Cat("members { name: \"m-", i, "\" specialists: \"x-", i, "\" }\n");
  plan += Cat("members { name: \"m-", members - 1, "\" integrates: true }\n");
  for (int i = 0; i < 10; ++i) plan += Cat("chunks { name: \"0", i, "\" }\n");
  return plan;
}

// A coordinator of a fresh plan and folder, or an echo in its place.
class Cluster {
 public:
  static absl::StatusOr<std::unique_ptr<Cluster>> Start(const std::string& program, int members) {
    std::unique_ptr<Cluster> cluster(new Cluster);
    const std::string plan = cluster->folder_.File("plan.txtpb");
    ICPT_RETURN_IF_ERROR(WriteFileAtomically(SystemFiles(), plan, PlanOf(members)));
    cluster->process_.emplace(
        program, std::vector<std::string>{"--plan", plan, "--state", cluster->folder_.File("state"),
                                          "--listen", "127.0.0.1:0"});
    ICPT_ASSIGN_OR_RETURN(cluster->address_, cluster->process_->AwaitLine("listening on "));
    cluster->stub_ = v1::ClusterService::NewStub(NewChannel(cluster->address_));
    return cluster;
  }

  static absl::StatusOr<std::unique_ptr<Cluster>> StartEcho(const std::string& program) {
    std::unique_ptr<Cluster> cluster(new Cluster);
    cluster->process_.emplace(program, std::vector<std::string>{"--echo"});
    ICPT_ASSIGN_OR_RETURN(cluster->address_, cluster->process_->AwaitLine("listening on "));
    return cluster;
  }

  const std::string& address() const { return address_; }
  pid_t pid() const { return process_->pid(); }

  // Asked of the journal itself; an echo has none.
  absl::StatusOr<int64_t> Events() const {
    if (stub_ == nullptr) return 0;
    grpc::ClientContext context;
    v1::ListEventsRequest request;
    request.set_page_size(1);
    v1::ListEventsResponse response;
    ICPT_RETURN_IF_ERROR(FromGrpcStatus(stub_->ListEvents(&context, request, &response)));
    if (response.events().empty()) return Internal("a journal without events");
    return response.events(0).number();
  }

  absl::Status Pause() const { return Ask(&v1::ClusterService::Stub::PausePlan, v1::PausePlanRequest()); }
  absl::Status Resume() const { return Ask(&v1::ClusterService::Stub::ResumePlan, v1::ResumePlanRequest()); }

 private:
  Cluster() = default;

  template <typename Request, typename Response>
  absl::Status Ask(grpc::Status (v1::ClusterService::Stub::*method)(grpc::ClientContext*, const Request&,
                                                                    Response*),
                   Request request) const {
    grpc::ClientContext context;
    request.set_request_id(NewId());
    Response response;
    return FromGrpcStatus((stub_.get()->*method)(&context, request, &response));
  }

  const ScratchFolder folder_;
  std::optional<Process> process_;
  std::string address_;
  std::unique_ptr<v1::ClusterService::Stub> stub_;
};

// What a coordinator has used so far, and this process.
struct Usage {
  MonotonicTime at;
  absl::Duration coordinator;
  absl::Duration generator;
  int64_t events = 0;
  int64_t written_bytes = 0;
};

absl::StatusOr<Usage> UsageOf(const Cluster& cluster) {
  ICPT_ASSIGN_OR_RETURN(const int64_t events, cluster.Events());
  return Usage{SystemClock().Now(), ProcessorTimeOf(cluster.pid()), ProcessorTimeOf(getpid()), events,
               BytesWrittenBy(cluster.pid())};
}

struct Load {
  int streams = 0;
  int connections = 0;
  double attach_s = 0;
  double p50_ms = 0;
  double p99_ms = 0;
  double max_ms = 0;
  double cpu_share = 0;
  double generator_cpu_share = 0;
  double rss_mb = 0;
  int64_t journal_writes = 0;
  int64_t written_bytes = 0;
};

enum class Peer { kCoordinator, kEcho };

absl::StatusOr<Load> MeasureLoad(const Arguments& arguments, Peer peer, int streams, int connections) {
  ICPT_ASSIGN_OR_RETURN(const auto cluster, peer == Peer::kEcho
                                                ? Cluster::StartEcho(arguments.echo)
                                                : Cluster::Start(arguments.program, std::max(2, streams)));
  Load load{.streams = streams, .connections = connections};
  const MonotonicTime begin = SystemClock().Now();
  Fleet fleet(cluster->address(), streams, connections);
  ICPT_RETURN_IF_ERROR(fleet.Attach());
  load.attach_s = absl::ToDoubleSeconds(SystemClock().Now() - begin);

  absl::StatusOr<Usage> before;
  absl::StatusOr<Usage> after;
  ICPT_ASSIGN_OR_RETURN(const std::vector<double> ms,
                        fleet.Report(absl::Seconds(5), absl::Seconds(arguments.seconds),
                                     {.begin = [&] { before = UsageOf(*cluster); },
                                      .end = [&] { after = UsageOf(*cluster); }}));
  ICPT_RETURN_IF_ERROR(before.status());
  ICPT_RETURN_IF_ERROR(after.status());
  const auto at = [&](double share) {
    return ms[static_cast<size_t>(share * static_cast<double>(ms.size() - 1))];
  };
  const absl::Duration took = after->at - before->at;
  load.p50_ms = at(0.5);
  load.p99_ms = at(0.99);
  load.max_ms = ms.back();
  load.cpu_share = absl::FDivDuration(after->coordinator - before->coordinator, took);
  load.generator_cpu_share = absl::FDivDuration(after->generator - before->generator, took);
  load.journal_writes = after->events - before->events;
  load.written_bytes = after->written_bytes - before->written_bytes;
  load.rss_mb = static_cast<double>(MemoryOf(cluster->pid(), "VmHWM")) / 1e6;
  return load;
}

// Durable grants a second to `members` boxes that wait for them at once: from the call that resumes a paused
// plan until the last box has its assignment. All are granted in one journal transaction.
absl::StatusOr<double> MeasureGrants(const Arguments& arguments, int members, int rounds) {
  ICPT_ASSIGN_OR_RETURN(const auto cluster, Cluster::Start(arguments.program, std::max(2, members)));
  Fleet fleet(cluster->address(), members,
              (members + arguments.streams_per_connection - 1) / arguments.streams_per_connection);
  ICPT_RETURN_IF_ERROR(fleet.Attach());
  absl::Duration took;
  for (int i = 0; i < rounds; ++i) {
    ICPT_RETURN_IF_ERROR(cluster->Pause());
    ICPT_RETURN_IF_ERROR(fleet.AwaitDrops());
    const MonotonicTime begin = SystemClock().Now();
    ICPT_RETURN_IF_ERROR(cluster->Resume());
    ICPT_RETURN_IF_ERROR(fleet.AwaitAssignments());
    took += SystemClock().Now() - begin;
  }
  return members * rounds / absl::ToDoubleSeconds(took);
}

// The same load on both, one after the other.
struct Pair {
  Load coordinator;
  Load echo;
};

// The pair whose ratio of `figure` is the median.
Pair MedianOf(std::vector<Pair> pairs, double Load::*figure) {
  const auto ratio = [figure](const Pair& pair) { return pair.coordinator.*figure / pair.echo.*figure; };
  std::sort(pairs.begin(), pairs.end(), [&](const Pair& a, const Pair& b) { return ratio(a) < ratio(b); });
  return pairs[pairs.size() / 2];
}

absl::StatusOr<std::vector<Pair>> Compare(const Arguments& arguments, int streams, int connections) {
  std::vector<Pair> pairs(static_cast<size_t>(arguments.pairs));
  for (Pair& pair : pairs) {
    ICPT_ASSIGN_OR_RETURN(pair.coordinator, MeasureLoad(arguments, Peer::kCoordinator, streams, connections));
    ICPT_ASSIGN_OR_RETURN(pair.echo, MeasureLoad(arguments, Peer::kEcho, streams, connections));
  }
  return pairs;
}

std::string ToJson(const Load& load) {
  return Cat("{\"streams\":", load.streams, ",\"connections\":", load.connections,
             ",\"attach_s\":", load.attach_s, ",\"p50_ms\":", load.p50_ms, ",\"p99_ms\":", load.p99_ms,
             ",\"max_ms\":", load.max_ms, ",\"cpu_share\":", load.cpu_share,
             ",\"generator_cpu_share\":", load.generator_cpu_share, ",\"rss_mb\":", load.rss_mb,
             ",\"progress_journal_writes\":", load.journal_writes, ",\"written_bytes\":", load.written_bytes,
             "}");
}

std::string ToJson(const std::vector<Pair>& pairs) {
  std::string list;
  for (const Pair& pair : pairs) {
    list += Cat(list.empty() ? "" : ",", "[", ToJson(pair.coordinator), ",", ToJson(pair.echo), "]");
  }
  return Cat("[", list, "]");
}

absl::Status Run(const Arguments& arguments) {
  const auto connections = [&](int streams) {
    return (streams + arguments.streams_per_connection - 1) / arguments.streams_per_connection;
  };
  ICPT_ASSIGN_OR_RETURN(const double single, MeasureGrants(arguments, 1, arguments.grants));
  ICPT_ASSIGN_OR_RETURN(const double grouped, MeasureGrants(arguments, arguments.grouped, 5));
  std::string growth;
  for (const int share : {100, 10}) {
    const int streams = std::max(1, arguments.streams / share);
    ICPT_ASSIGN_OR_RETURN(const Load load,
                          MeasureLoad(arguments, Peer::kCoordinator, streams, connections(streams)));
    growth += (growth.empty() ? "" : ",") + ToJson(load);
  }
  ICPT_ASSIGN_OR_RETURN(const auto own,
                        Compare(arguments, arguments.own_connections, arguments.own_connections));
  // Latency at a quarter of the streams too: where coordinator and generator together keep every core busy, the
  // tail tells how long the machine's queue is.
  const int quarter = std::max(1, arguments.streams / 4);
  ICPT_ASSIGN_OR_RETURN(const auto unhurried, Compare(arguments, quarter, connections(quarter)));
  ICPT_ASSIGN_OR_RETURN(const auto shared,
                        Compare(arguments, arguments.streams, connections(arguments.streams)));
  const Pair own_p99 = MedianOf(own, &Load::p99_ms);
  const Pair quarter_p99 = MedianOf(unhurried, &Load::p99_ms);
  const Pair p99 = MedianOf(shared, &Load::p99_ms);
  const Pair cpu = MedianOf(shared, &Load::cpu_share);
  std::cout << Cat("{\"streams_p99_ms\":", p99.coordinator.p99_ms, ",\"echo_p99_ms\":", p99.echo.p99_ms,
                   ",\"quarter_p99_ms\":", quarter_p99.coordinator.p99_ms,
                   ",\"echo_quarter_p99_ms\":", quarter_p99.echo.p99_ms,
                   ",\"streams_cpu_share\":", cpu.coordinator.cpu_share,
                   ",\"echo_cpu_share\":", cpu.echo.cpu_share, ",\"streams_rss_mb\":", cpu.coordinator.rss_mb,
                   ",\"progress_journal_writes\":", cpu.coordinator.journal_writes,
                   ",\"generator_cpu_share\":", cpu.coordinator.generator_cpu_share,
                   ",\"own_conn_p99_ms\":", own_p99.coordinator.p99_ms,
                   ",\"echo_own_conn_p99_ms\":", own_p99.echo.p99_ms, ",\"grants_per_s\":", grouped,
                   ",\"grants_per_s_single\":", single, ",\"growth\":[", growth,
                   "],\"own_connections\":", ToJson(own), ",\"quarter\":", ToJson(unhurried),
                   ",\"streams\":", ToJson(shared), "}")
            << std::endl;
  return absl::OkStatus();
}

// Each connection takes a descriptor here and one in the coordinator, which inherits the limit.
absl::Status RaiseDescriptorLimit(rlim_t wanted) {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return ErrnoStatus(errno, "getrlimit");
  if (limit.rlim_cur >= wanted) return absl::OkStatus();
  if (limit.rlim_max < wanted) {
    return ResourceExhausted("descriptors: ", limit.rlim_max, " allowed, ", wanted,
                             " wanted: raise the hard limit (ulimit -Hn)");
  }
  limit.rlim_cur = wanted;
  if (setrlimit(RLIMIT_NOFILE, &limit) != 0) return ErrnoStatus(errno, "setrlimit");
  return absl::OkStatus();
}

}  // namespace
}  // namespace interceptor

int main(int argc, char** argv) {
  interceptor::Arguments arguments;
  const std::filesystem::path own = std::filesystem::read_symlink("/proc/self/exe");
  arguments.program = (own.parent_path() / "interceptor-coordinator").string();
  arguments.echo = own.string();
  CLI::App app("Measures a coordinator under many workers' streams, and its durable grants.");
  app.footer("\nExample:\n  interceptor-bench-control-plane --streams 1000 --seconds 5");
  app.add_option("--streams", arguments.streams, "streams on shared connections")->capture_default_str();
  app.add_option("--streams-per-connection", arguments.streams_per_connection, "streams that share one")
      ->capture_default_str();
  app.add_option("--own-connections", arguments.own_connections, "workers with a connection each")
      ->capture_default_str();
  app.add_option("--seconds", arguments.seconds, "length of each window")->capture_default_str();
  app.add_option("--grouped", arguments.grouped, "boxes granted at once")->capture_default_str();
  app.add_option("--grants", arguments.grants, "grants one by one")->capture_default_str();
  app.add_option("--pairs", arguments.pairs, "coordinator and echo in turn, so often")->capture_default_str();
  app.add_option("--program", arguments.program, "the coordinator")->capture_default_str();
  bool echo = false;
  app.add_flag("--echo", echo, "serve the bare echo that the coordinator is compared with");
  bool json = false;
  app.add_flag("--json", json, "accepted for uniformity: the output is always JSON");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  absl::Status status = interceptor::RaiseDescriptorLimit(arguments.own_connections + 1'000);
  if (status.ok()) status = echo ? interceptor::ServeEcho() : interceptor::Run(arguments);
  if (status.ok()) return 0;
  std::cerr << "interceptor-bench-control-plane: " << interceptor::Message(status) << std::endl;
  return 1;
}
