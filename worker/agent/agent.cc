#include "worker/agent/agent.h"

#include <algorithm>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <variant>

#include "common/base/bounded_queue.h"
#include "common/base/clock.h"
#include "common/base/ids.h"
#include "common/base/log.h"
#include "common/base/status.h"
#include "common/base/task_thread.h"
#include "common/io/atomic_file.h"
#include "common/io/supervisor.h"
#include "common/plan/run_settings.h"
#include "worker/agent/blob_transfer.h"
#include "worker/agent/box.h"
#include "worker/agent/child_messages.h"
#include "worker/agent/child_registry.h"
#include "worker/agent/convert.h"
#include "worker/agent/coordinator_client.h"
#include "worker/agent/inventory.h"
#include "worker/agent/manifest_difference.h"
#include "worker/agent/run_memory.h"
#include "worker/agent/store_keeper.h"
#include "worker/child_protocol/run_folder.h"
#include "worker/sampling/recipe.h"
#include "worker/session/session.h"

namespace interceptor::worker {
namespace {

constexpr size_t kInputsMax = 10'000;
constexpr absl::Duration kGoodbyeGrace = absl::Seconds(5);

using AgentInput = std::variant<SessionInput, StreamEvent, ChildEvent>;

}  // namespace

struct Agent::Impl {
  explicit Impl(AgentOptions options)
      : options(std::move(options)),
        files(SystemFiles()),
        transfer(files, this->options.coordinator),
        children(this->options, [this](ChildEvent event) { inputs.Push(std::move(event)); }) {}

  const AgentOptions options;
  const FileSystem& files;
  BoundedQueue<AgentInput> inputs{kInputsMax};

  // --- the loop thread's own ---
  Box box;
  Speaker speaker;
  std::unique_ptr<Session> session;
  std::unique_ptr<StoreKeeper> store;
  std::unique_ptr<ChildMessages> messages;
  std::deque<SessionInput> pending;                // brought about by the loop itself
  std::map<std::string, std::string> chunk_files;  // file name by chunk
  std::vector<std::string> chunk_names;
  std::set<std::string> recalled;  // specialists whose memory was read since the start
  int64_t stream = 0;              // the last one that opened; 0 once it was dropped
  uint64_t plan_seed = 0;
  bool stop_asked = false;
  bool left = false;
  absl::Status fault;

  // --- threads and what they use ---
  BlobTransfer transfer;
  ChildRegistry children;
  std::unique_ptr<CoordinatorClient> client;
  std::unique_ptr<TaskThread> uploads;
  std::unique_ptr<TaskThread> downloads;
  std::unique_ptr<InventoryThread> inventory;

  absl::Status Start() {
    const auto info = files.Stat(options.data);
    if (!info.ok() || !info->is_directory) {
      return NotFound("data folder ", options.data, " is not there: name the folder of the zips with --data");
    }
    ICPT_ASSIGN_OR_RETURN(box, OpenBox(files, options.work));
    const DeviceFacts device = FindDevice(files, options.device);
    ICPT_ASSIGN_OR_RETURN(v1::CoordinatorIncarnation last, ReadLastCoordinator(files, options.work));
    speaker = {options.member, box.id, NewId(), device.name, device.model, std::move(last)};
    session = std::make_unique<Session>(speaker.incarnation);
    store = std::make_unique<StoreKeeper>(files, options.store, box.id);
    messages = std::make_unique<ChildMessages>(*store);
    uploads = std::make_unique<TaskThread>();
    downloads = std::make_unique<TaskThread>();
    inventory = std::make_unique<InventoryThread>(
        Inventory(files, options.data, options.work),
        [this](const ChunkFiles& chunks) { inputs.Push(SessionInput(ChunkFilesSeen{chunks})); });
    ICPT_LOG(kInfo) << "member " << options.member << ", box " << box.id << ", device " << device.name << " ("
                    << device.model << "), coordinator " << options.coordinator;
    client = std::make_unique<CoordinatorClient>(
        options.coordinator, [this](StreamEvent event) { inputs.Push(std::move(event)); });
    return absl::OkStatus();
  }

  void Loop() {
    Feed(StoreSeen{});
    NotifySupervisor("READY=1");
    Watchdog watchdog;
    while (!left) {
      watchdog.Tell(SystemClock().Now());
      const absl::Duration wait = pending.empty() ? UntilNextWake() : absl::ZeroDuration();
      std::optional<AgentInput> input = inputs.Pop(std::min(wait, watchdog.Until(SystemClock().Now())));
      if (input) {
        std::visit([this](auto&& value) { On(std::move(value)); }, *std::move(input));
      } else {
        Feed(Ticked{});
      }
      for (; !pending.empty() && !left; pending.pop_front()) Feed(SessionInput(pending.front()));
      children.KillOverdue(SystemClock().Now());
    }
  }

  absl::Duration UntilNextWake() const {
    std::optional<MonotonicTime> wake = session->NextWake();
    const std::optional<MonotonicTime> kill = children.NextKill();
    if (kill && (!wake || *kill < *wake)) wake = kill;
    if (!wake) return absl::Minutes(1);
    return std::clamp(*wake - SystemClock().Now(), absl::ZeroDuration(), absl::Minutes(1));
  }

  void Feed(const SessionInput& input) {
    const bool stop = std::holds_alternative<StopAsked>(input);
    if (stop && std::exchange(stop_asked, true)) children.Hurry(SystemClock().Now());
    SessionOutputs outputs = session->Handle(input, SystemClock().Now());
    for (const SessionOutput& output : outputs) {
      std::visit([this](const auto& value) { Do(value); }, output);
    }
  }

  void On(SessionInput&& input) { Feed(input); }

  void On(StreamEvent&& event) {
    if (const auto* opened = std::get_if<StreamOpened>(&event)) {
      stream = opened->stream;
      Feed(Connected{});
    } else if (const auto* closed = std::get_if<StreamClosed>(&event)) {
      ICPT_LOG(kWarning) << "out of touch with the coordinator: " << Message(closed->status);
      Feed(Disconnected{});
    } else if (const auto* refused = std::get_if<StreamRefused>(&event)) {
      Feed(Disconnected{});
      LeaveWith(refused->status);
    } else {
      OnDirective(std::get<v1::Directive>(event));
    }
  }

  // Ends the program with a fault as soon as the children are gone.
  void LeaveWith(const absl::Status& status) {
    if (fault.ok()) fault = status;
    Feed(StopAsked{});
    if (!left) Feed(StopAsked{});
  }

  void OnDirective(const v1::Directive& directive) {
    if (stream == 0) return;
    absl::StatusOr<SessionInput> input = FromProto(directive);
    if (!input.ok()) return Warn("coordinator", input.status());
    if (directive.has_welcome()) {
      const absl::Status status = Welcome(directive.welcome());
      if (absl::IsResourceExhausted(status)) {
        Warn("out of touch until this disk has room", status);
        return client->Drop(std::exchange(stream, 0));
      }
      if (!status.ok()) return LeaveWith(status);
    }
    if (auto* assigned = std::get_if<Assigned>(&*input)) {
      if (const absl::Status status = Prepare(*assigned); !status.ok()) return LeaveWith(status);
      // A person may have repaired the store before resuming.
      Feed(StoreSeen{store->LookAtAll(chunk_names)});
    }
    Feed(*input);
  }

  absl::Status Welcome(const v1::Welcome& welcome) {
    ICPT_RETURN_IF_ERROR(BindPlan(files, options.work, welcome.plan_digest()));
    ICPT_RETURN_IF_ERROR(KeepLastCoordinator(files, options.work, welcome.coordinator()));
    speaker.last_coordinator = welcome.coordinator();
    ICPT_RETURN_IF_ERROR(
        KeepFile(files, SettingsPath(options.work), RunSettingsJson(welcome.plan(), welcome.plan_digest())));
    plan_seed = welcome.plan().seed();
    const std::string_view notice = FaceModelNotice(welcome.plan().preparation().face_model());
    if (chunk_names.empty() && !notice.empty()) ICPT_LOG(kWarning) << notice;
    chunk_names.clear();
    for (const v1::Chunk& chunk : welcome.plan().chunks()) {
      chunk_names.push_back(chunk.name());
      chunk_files[chunk.name()] = chunk.file();
    }
    inventory->SetChunks(chunk_files);
    Feed(StoreSeen{store->LookAtAll(chunk_names)});
    ICPT_LOG(kInfo) << "plan " << welcome.plan().name() << " (" << welcome.plan_digest().substr(0, 12)
                    << "), " << chunk_names.size() << " chunks";
    return absl::OkStatus();
  }

  // What the run left on this disk, and references of chunks that it will not come back to.
  absl::Status Prepare(Assigned& assigned) {
    const std::string specialist = SpecialistOf(assigned.task.task);
    if (specialist.empty()) return absl::OkStatus();
    if (recalled.insert(specialist).second) {
      ICPT_ASSIGN_OR_RETURN(assigned.memory, LoadRunMemory(files, RunFolder(options.work, specialist)));
    }
    const size_t done = std::min(static_cast<size_t>(std::max(assigned.next_chunk, 0)), chunk_names.size());
    for (size_t chunk = 0; chunk < done; ++chunk)
      store->Release(chunk_names[chunk], specialist).IgnoreError();
    return absl::OkStatus();
  }

  void On(ChildEvent&& event) {
    if (auto* exited = std::get_if<ChildExited>(&event)) {
      const std::optional<RegisteredChild> gone = children.Remove(exited->child);
      if (gone && !exited->clean) ICPT_LOG(kWarning) << gone->Name() << " " << exited->reason;
      Feed(StoreSeen{store->LookAtAll(chunk_names)});
      Feed(*exited);
      return;
    }
    if (const auto* halted = std::get_if<ChildHalted>(&event)) return Feed(*halted);
    const auto& [id, message] = std::get<ChildMessage>(event);
    const RegisteredChild* child = children.Find(id);
    if (child == nullptr) return;
    const absl::StatusOr<std::optional<SessionInput>> input = messages->Read(id, *child, message);
    if (!input.ok()) {
      // One that does not keep to the protocol cannot be supervised.
      ICPT_LOG(kError) << child->Name() << ": " << Message(input.status());
      Feed(ChildFailed{id, {absl::StatusCode::kInvalidArgument, Message(input.status()), false}});
      children.Kill(id);
    } else if (input->has_value()) {
      Feed(**input);
    }
  }

  // --- outputs ---

  void Do(const SendHello& hello) { client->Send(stream, ToProto(hello, speaker)); }
  void Do(const SendChunkFiles& seen) { client->Send(stream, ToProto(seen)); }
  void Do(const SendProgress& progress) { client->Send(stream, ToProto(progress)); }
  void Do(const SendGoodbye& goodbye) { client->Send(stream, ToProto(goodbye)); }
  void Do(const SendPublication& publication) {
    const std::string line = Describe(publication);
    if (!line.empty()) ICPT_LOG(kInfo) << line;
    client->Send(stream, ToProto(publication));
  }

  // A child that could not be started is one that failed and left.
  void Started(ChildId child, const absl::Status& status) {
    if (status.ok()) return;
    const bool retry = !absl::IsNotFound(status);
    pending.push_back(ChildFailed{child, {status.code(), Message(status), retry}});
    pending.push_back(ChildExited{child, false, "could not be started"});
  }

  void Do(const StartPreparer& start) {
    ICPT_LOG(kInfo) << "preparing chunk " << start.chunk;
    Started(start.child, children.Start(start, JoinPath(options.data, chunk_files.at(start.chunk))));
  }

  void Do(const StartTrainer& start) {
    files.MakeFolder(RunFolder(options.work, start.specialist)).IgnoreError();
    Started(start.child, children.Start(start));
  }

  void Do(const StartIntegrator& start) {
    ICPT_LOG(kInfo) << "joining round " << start.chunk;
    Started(start.child, children.Start(start, plan_seed));
  }

  void Do(const worker::GiveChunk& give) {
    if (const RegisteredChild* child = children.Find(give.child))
      ICPT_LOG(kInfo) << child->subject << ": chunk " << give.name;
    children.Send(give.child,
                  ChunkOrder{give.chunk, give.name, give.manifest_sha256, give.last, give.sampling});
  }
  void Do(const SaveCheckpoint& save) { children.Send(save.child, SaveCommand{}); }
  void Do(const StopChild& stop) { children.Stop(stop, SystemClock().Now()); }

  void Do(const UploadBlob& upload) {
    uploads->Post([this, upload] {
      inputs.Push(SessionInput(BlobUploaded{upload.blob, transfer.Upload(upload.blob, upload.path)}));
    });
  }

  void Do(const FetchBlob& fetch) {
    ICPT_LOG(kInfo) << fetch.specialist << ": fetching checkpoint " << fetch.blob.hex.substr(0, 12);
    Fetch(fetch.blob, FetchedCheckpointPath(RunFolder(options.work, fetch.specialist), fetch.blob));
  }

  void Do(const FetchTable& fetch) {
    files.MakeFolder(TablesFolder(options.work)).IgnoreError();
    Fetch(fetch.blob, JoinPath(TablesFolder(options.work), Cat(fetch.chunk, "-", fetch.specialist, ".csv")));
  }

  void Fetch(const Digest& blob, const std::string& path) {
    downloads->Post([this, blob, path] {
      inputs.Push(SessionInput(BlobFetched{blob, transfer.Fetch(blob, path), path}));
    });
  }

  static void Warn(std::string_view what, const absl::Status& status) {
    if (!status.ok()) ICPT_LOG(kWarning) << what << ": " << Message(status);
  }

  void Do(const DeleteFile& file) { Warn("deleting a checkpoint", files.Remove(file.path)); }

  void Do(const RememberRun& remember) {
    const absl::Status status =
        StoreRunMemory(files, RunFolder(options.work, remember.specialist), remember.memory);
    Warn(remember.specialist, status);
    if (!status.ok()) pending.push_back(NotRemembered{remember.specialist});
  }

  void Do(const ReferChunk& refer) { Warn("clip store", store->Refer(refer.chunk, refer.specialist)); }

  void Do(const ReleaseChunk& release) {
    Warn("clip store", store->Release(release.chunk, release.specialist));
    pending.push_back(StoreSeen{store->LookAtAll(chunk_names)});
  }

  void Do(const ExplainManifest& explain) {
    downloads->Post([this, explain] {
      const std::string path =
          JoinPath(options.work, Cat("committed-", explain.committed.hex.substr(0, 16), ".jsonl"));
      absl::Status status = transfer.Fetch(explain.committed, path);
      if (status.ok()) status = LogDifference(files, explain.local_path, path);
      Warn("the committed manifest", status);
    });
  }

  void Do(const Note& note) { LogNote(note); }

  void Do(const Leave& leave) {
    ICPT_LOG(kInfo) << "leaving: " << leave.reason;
    left = true;
  }

  // Helpers may wait for room in the queue, so it closes before anybody waits for them.
  void End() {
    NotifySupervisor("STOPPING=1");
    inputs.Close();
    if (client != nullptr) client->Finish(fault.ok() ? kGoodbyeGrace : absl::ZeroDuration());
    transfer.Cancel();
    uploads.reset();
    downloads.reset();
    inventory.reset();
  }
};

Agent::Agent(AgentOptions options) : impl_(std::make_unique<Impl>(std::move(options))) {}

Agent::~Agent() = default;

absl::Status Agent::Run() {
  ICPT_RETURN_IF_ERROR(impl_->Start());
  impl_->Loop();
  impl_->End();
  return impl_->fault;
}

void Agent::Stop() { impl_->inputs.Push(SessionInput(StopAsked{})); }

}  // namespace interceptor::worker
