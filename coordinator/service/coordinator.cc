#include "coordinator/service/coordinator.h"

#include <utility>

#include "common/base/log.h"
#include "common/base/status.h"
#include "common/io/atomic_file.h"
#include "common/rpc/server.h"
#include "coordinator/journal/event_log.h"
#include "coordinator/runtime/loop.h"
#include "coordinator/service/checkpoint_service.h"
#include "coordinator/service/cluster_service.h"
#include "coordinator/service/convert.h"
#include "coordinator/service/worker_service.h"

namespace interceptor::coordinator {
namespace {

// So that gRPC's few threads never wait for a disk; each transfer has at most one task queued.
constexpr int kIoThreads = 2;
constexpr size_t kTransfersMax = 4096;

class Running : public Coordinator {
 public:
  explicit Running(Options options) : options_(std::move(options)), threads_(kIoThreads, kTransfersMax) {}

  ~Running() override {
    if (server_ != nullptr) Stop(absl::ZeroDuration());
  }

  absl::Status Begin() {
    const FileSystem& files = *options_.files;
    const std::string& folder = options_.state_folder;
    ICPT_RETURN_IF_ERROR(files.MakeFolder(folder));
    ICPT_ASSIGN_OR_RETURN(log_, OpenEventLog(folder));
    // What a killed coordinator was writing; the log's lock says that nobody else writes here.
    ICPT_RETURN_IF_ERROR(RemoveTemporaries(files, folder));
    ICPT_RETURN_IF_ERROR(CheckNotEmptied());
    ICPT_ASSIGN_OR_RETURN(vault_, BlobStore::Open(files, {.folder = JoinPath(folder, "vault")}));
    Loop::Options loop;
    loop.plan = ToPlanFacts(options_.plan);
    loop.state_folder = folder;
    ICPT_ASSIGN_OR_RETURN(
        loop_, Loop::Start(std::move(loop),
                           {.files = files, .clock = *options_.clock, .log = *log_, .vault = *vault_}));
    KeepPlan();
    return Serve();
  }

  const std::string& address() const override { return server_->address(); }
  MonotonicTime last_sign_of_life() const override { return loop_->snapshot()->now; }

  void Stop(absl::Duration grace) override {
    server_->SetServing(false);
    loop_->Leave(Unavailable("the coordinator is going down"));
    server_->Shutdown(grace);
    loop_->Stop();
    server_.reset();
  }

 private:
  // A plan's copy is written after its first events: with none of them the journal was lost, and a start from
  // nothing would throw away what the vault holds.
  absl::Status CheckNotEmptied() const {
    const std::string& folder = options_.state_folder;
    if (log_->size() > 0 || !options_.files->Exists(JoinPath(folder, "plan.txtpb"))) return absl::OkStatus();
    return DataLoss(
        JoinPath(folder, "journal.sqlite"),
        " is empty or missing, yet a plan was begun here: restore it from a backup, or start the plan"
        " anew with another --state folder");
  }

  // For people: the folder alone says what it was made for. The digest that counts stands in the journal, so
  // a disk too full for this changes nothing.
  void KeepPlan() {
    const std::string path = JoinPath(options_.state_folder, "plan.txtpb");
    if (options_.files->Exists(path)) return;
    const absl::Status kept = WriteFileAtomically(*options_.files, path, options_.plan_text);
    if (!kept.ok()) ICPT_LOG(kWarning) << "cannot keep a copy of the plan: " << kept;
  }

  absl::Status Serve() {
    const Exposure exposure = IsLocalAddress(options_.listen) ? Exposure::kLocal : Exposure::kInsecure;
    workers_ = std::make_unique<WorkerService>(*loop_, options_.plan);
    checkpoints_ = std::make_unique<CheckpointService>(*vault_, threads_);
    cluster_ = std::make_unique<ClusterService>(*loop_, exposure);
    ICPT_ASSIGN_OR_RETURN(
        server_, Server::Start({.address = options_.listen,
                                .beyond_loopback = options_.beyond_loopback,
                                .services = {{v1::WorkerService::service_full_name(), workers_.get()},
                                             {v1::CheckpointService::service_full_name(), checkpoints_.get()},
                                             {v1::ClusterService::service_full_name(), cluster_.get()}}}));
    server_->SetServing(true);
    return absl::OkStatus();
  }

  const Options options_;
  // Each below is used by those after it.
  std::unique_ptr<EventLog> log_;
  std::unique_ptr<BlobStore> vault_;
  std::unique_ptr<Loop> loop_;
  TaskThreads threads_;
  std::unique_ptr<WorkerService> workers_;
  std::unique_ptr<CheckpointService> checkpoints_;
  std::unique_ptr<ClusterService> cluster_;
  std::unique_ptr<Server> server_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Coordinator>> Coordinator::Start(Options options) {
  auto running = std::make_unique<Running>(std::move(options));
  ICPT_RETURN_IF_ERROR(running->Begin());
  return running;
}

}  // namespace interceptor::coordinator
