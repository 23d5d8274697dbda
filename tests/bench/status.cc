// interceptor-bench-status: how fast the coordinator answers GetStatus, and how much memory it takes, after
// many journaled events, during an upload and with ten watchers; and how soon it serves again when it was
// killed. Drives the real program; prints one JSON object.
#include <signal.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <atomic>
#include <cstdio>
#include <filesystem>
#include <iostream>

#include "absl/synchronization/notification.h"
#include "common/base/clock.h"
#include "common/base/ids.h"
#include "common/base/status.h"
#include "common/io/atomic_file.h"
#include "common/rpc/channel.h"
#include "common/rpc/status_bridge.h"
#include "tests/support/process.h"
#include "tests/support/process_usage.h"
#include "tests/support/scratch_folder.h"
#include "tests/support/scripted_worker.h"

namespace interceptor {
namespace {

constexpr char kPlan[] = R"(
name: "bench"
members { name: "member-1" specialists: "BG" specialists: "AV" }
members { name: "member-2" specialists: "CM" specialists: "RR" }
members { name: "member-3" specialists: "LL" specialists: "TM" }
members { name: "member-4" integrates: true }
chunks { name: "00" } chunks { name: "01" } chunks { name: "02" } chunks { name: "03" } chunks { name: "04" }
chunks { name: "05" } chunks { name: "06" } chunks { name: "07" } chunks { name: "08" } chunks { name: "09" }
)";

// Calls in flight while events are made: what one journal transaction then holds.
constexpr int kInFlight = 256;

// Makes `events` events as fast as the journal takes them.
class EventMaker {
 public:
  EventMaker(const std::string& address, int64_t events)
      : stub_(v1::ClusterService::NewStub(NewChannel(address))), left_(events) {}

  absl::Status Run() {
    for (int i = 0; i < kInFlight; ++i) Next();
    absl::MutexLock lock(&mutex_);
    const auto idle = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return in_flight_ == 0; };
    mutex_.Await(absl::Condition(&idle));
    return fault_;
  }

 private:
  struct Call {
    grpc::ClientContext context;
    v1::ResumePlanRequest request;
    v1::ResumePlanResponse response;
  };

  void Next() {
    {
      absl::MutexLock lock(&mutex_);
      if (left_ == 0 || !fault_.ok()) return;
      --left_;
      ++in_flight_;
    }
    auto call = std::make_shared<Call>();
    call->request.set_request_id(NewId());
    stub_->async()->ResumePlan(&call->context, &call->request, &call->response,
                               [this, call](grpc::Status status) {
                                 if (status.ok()) Next();
                                 absl::MutexLock lock(&mutex_);
                                 fault_.Update(FromGrpcStatus(status));
                                 --in_flight_;
                               });
  }

  std::unique_ptr<v1::ClusterService::Stub> stub_;
  absl::Mutex mutex_;
  int64_t left_ ABSL_GUARDED_BY(mutex_);
  int in_flight_ ABSL_GUARDED_BY(mutex_) = 0;
  absl::Status fault_ ABSL_GUARDED_BY(mutex_);
};

// Uploads one blob after another until told to stop.
class Uploader {
 public:
  explicit Uploader(const std::string& address) : thread_([this, address] { Run(address); }) {}
  ~Uploader() {
    stop_ = true;
    thread_.join();
  }
  int64_t bytes() const { return bytes_; }
  // The first blob is in the vault and the next one is on its way.
  bool AwaitFirst(absl::Duration timeout) { return first_.WaitForNotificationWithTimeout(timeout); }

 private:
  void Run(const std::string& address) {
    std::string bytes(8 << 20, 'u');
    for (int i = 0; !stop_; ++i) {
      std::snprintf(bytes.data(), 32, "%d", i);
      if (!UploadBlob(address, DigestOf(bytes), bytes).ok()) return;
      bytes_ += static_cast<int64_t>(bytes.size());
      if (!first_.HasBeenNotified()) first_.Notify();
    }
  }

  std::atomic<bool> stop_ = false;
  std::atomic<int64_t> bytes_ = 0;
  absl::Notification first_;
  std::thread thread_;
};

class Watcher {
 public:
  explicit Watcher(const std::string& address)
      : stub_(v1::ClusterService::NewStub(NewChannel(address))), reader_(stub_->WatchStatus(&context_, {})) {
    thread_ = std::thread([this] {
      v1::GetStatusResponse status;
      while (reader_->Read(&status)) ++messages_;
    });
  }
  ~Watcher() {
    context_.TryCancel();
    thread_.join();
    (void)reader_->Finish();
  }

 private:
  std::unique_ptr<v1::ClusterService::Stub> stub_;
  grpc::ClientContext context_;
  std::unique_ptr<grpc::ClientReader<v1::GetStatusResponse>> reader_;
  std::atomic<int64_t> messages_ = 0;
  std::thread thread_;
};

absl::StatusOr<std::vector<double>> TimeStatus(const std::string& address, int calls) {
  const auto stub = v1::ClusterService::NewStub(NewChannel(address));
  std::vector<double> milliseconds;
  for (int i = 0; i < calls; ++i) {
    grpc::ClientContext context;
    SetDeadline(context, absl::Seconds(60));
    v1::GetStatusResponse response;
    const MonotonicTime begin = SystemClock().Now();
    ICPT_RETURN_IF_ERROR(FromGrpcStatus(stub->GetStatus(&context, {}, &response)));
    milliseconds.push_back(absl::ToDoubleMilliseconds(SystemClock().Now() - begin));
  }
  std::sort(milliseconds.begin(), milliseconds.end());
  return milliseconds;
}

// Kills it; seconds from its next start to an answer.
absl::StatusOr<double> TimeRestart(Process& coordinator, const std::string& program,
                                   const std::vector<std::string>& command) {
  coordinator.Signal(SIGKILL);
  ICPT_RETURN_IF_ERROR(coordinator.Wait().status());
  const MonotonicTime begin = SystemClock().Now();
  Process next(program, command);
  ICPT_ASSIGN_OR_RETURN(const std::string address, next.AwaitLine("listening on "));
  ICPT_RETURN_IF_ERROR(GetStatus(address).status());
  return absl::ToDoubleSeconds(SystemClock().Now() - begin);
}

struct Arguments {
  int64_t events = 100'000;
  int calls = 1'000;
  std::string program;
};

absl::Status Run(const Arguments& arguments) {
  const ScratchFolder folder;
  const std::string plan = folder.File("plan.txtpb");
  ICPT_RETURN_IF_ERROR(WriteFileAtomically(SystemFiles(), plan, kPlan));
  const std::vector<std::string> command = {"--plan",   plan,         "--state", folder.File("state"),
                                            "--listen", "127.0.0.1:0"};
  Process coordinator(arguments.program, command);
  ICPT_ASSIGN_OR_RETURN(const std::string address, coordinator.AwaitLine("listening on "));

  const MonotonicTime begin = SystemClock().Now();
  ICPT_RETURN_IF_ERROR(EventMaker(address, arguments.events).Run());
  const double made_in_s = absl::ToDoubleSeconds(SystemClock().Now() - begin);

  std::vector<std::unique_ptr<Watcher>> watchers;
  for (int i = 0; i < 10; ++i) watchers.push_back(std::make_unique<Watcher>(address));
  std::vector<double> ms;
  int64_t uploaded = 0;
  {
    Uploader uploader(address);
    if (!uploader.AwaitFirst(absl::Seconds(60))) return Unavailable("no upload got through");
    ICPT_ASSIGN_OR_RETURN(ms, TimeStatus(address, arguments.calls));
    uploaded = uploader.bytes();
  }
  ICPT_ASSIGN_OR_RETURN(const v1::GetStatusResponse status, GetStatus(address));
  const auto at = [&](double share) {
    return ms[static_cast<size_t>(share * static_cast<double>(ms.size() - 1))];
  };
  const int64_t memory = MemoryOf(coordinator.pid(), "VmRSS");
  const int64_t peak_memory = MemoryOf(coordinator.pid(), "VmHWM");
  watchers.clear();
  ICPT_ASSIGN_OR_RETURN(const double restart_s, TimeRestart(coordinator, arguments.program, command));
  std::printf(
      "{\"events\":%lld,\"events_per_s\":%.0f,\"calls\":%d,\"watchers\":%zu,\"uploaded_bytes\":%lld,"
      "\"status_p50_ms\":%.3f,\"status_p99_ms\":%.3f,\"status_max_ms\":%.3f,\"rss_bytes\":%lld,"
      "\"peak_rss_bytes\":%lld,\"restart_s\":%.3f}\n",
      static_cast<long long>(status.events()), static_cast<double>(arguments.events) / made_in_s,
      arguments.calls, watchers.size(), static_cast<long long>(uploaded), at(0.5), at(0.99), ms.back(),
      static_cast<long long>(memory), static_cast<long long>(peak_memory), restart_s);
  return absl::OkStatus();
}

}  // namespace
}  // namespace interceptor

int main(int argc, char** argv) {
  interceptor::Arguments arguments;
  arguments.program = (std::filesystem::path(argv[0]).parent_path() / "interceptor-coordinator").string();
  CLI::App app("Times GetStatus of a coordinator with many events, an upload and ten watchers.");
  app.footer("\nExample:\n  interceptor-bench-status --events 100000");
  app.add_option("--events", arguments.events, "events to journal first")->capture_default_str();
  app.add_option("--calls", arguments.calls, "GetStatus calls to time")->capture_default_str();
  app.add_option("--program", arguments.program, "the coordinator")->capture_default_str();
  bool json = false;
  app.add_flag("--json", json, "accepted for uniformity: the output is always JSON");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  const absl::Status status = interceptor::Run(arguments);
  if (status.ok()) return 0;
  std::cerr << "interceptor-bench-status: " << interceptor::Message(status) << std::endl;
  return 1;
}
