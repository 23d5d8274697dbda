#include "worker/agent/agent.h"

#include <algorithm>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <variant>

#include "absl/synchronization/mutex.h"
#include "common/base/bounded_queue.h"
#include "common/base/clock.h"
#include "common/base/ids.h"
#include "common/base/log.h"
#include "common/base/status.h"
#include "common/base/steady_wait.h"
#include "common/base/task_thread.h"
#include "common/io/atomic_file.h"
#include "common/io/supervisor.h"
#include "common/plan/run_settings.h"
#include "worker/agent/blob_transfer.h"
#include "worker/agent/box.h"
#include "worker/agent/child_events.h"
#include "worker/agent/convert.h"
#include "worker/agent/coordinator_client.h"
#include "worker/agent/crew.h"
#include "worker/agent/integration_run.h"
#include "worker/agent/inventory.h"
#include "worker/agent/manifest_difference.h"
#include "worker/agent/run_memory.h"
#include "worker/agent/store_keeper.h"
#include "worker/child_protocol/codec.h"
#include "worker/child_protocol/run_folder.h"
#include "worker/sampling/recipe.h"
#include "worker/session/session.h"

namespace interceptor::worker {
namespace {

constexpr size_t kInputsMax = 10'000;
constexpr absl::Duration kScanPeriod = absl::Seconds(1);
constexpr absl::Duration kGoodbyePatience = absl::Seconds(5);

using AgentInput = std::variant<SessionInput, StreamEvent, ChildEvent>;

}  // namespace

struct Agent::Impl {
  explicit Impl(AgentOptions options)
      : options(std::move(options)),
        files(SystemFiles()),
        inventory(files, this->options.data, this->options.work),
        transfer(files, this->options.coordinator),
        crew(this->options, [this](ChildEvent event) { inputs.Push(std::move(event)); }) {}

  const AgentOptions options;
  const FileSystem& files;
  BoundedQueue<AgentInput> inputs{kInputsMax};

  // --- the loop thread's own ---
  Box box;
  Speaker speaker;
  std::unique_ptr<Session> session;
  std::unique_ptr<StoreKeeper> store;
  std::deque<SessionInput> pending;                // brought about by the loop itself
  std::map<std::string, std::string> chunk_files;  // file name by chunk
  std::vector<std::string> chunk_names;
  std::set<std::string> recalled;  // specialists whose memory was read since the start
  uint64_t plan_seed = 0;
  int64_t waits = 0;
  bool left = false;
  absl::Status fault;

  // --- the inventory thread's ---
  Inventory inventory;
  absl::Mutex names_mutex;
  std::map<std::string, std::string> names ABSL_GUARDED_BY(names_mutex);
  SteadyNotification stop_scanning;

  BlobTransfer transfer;
  Crew crew;
  std::unique_ptr<CoordinatorClient> client;
  std::unique_ptr<TaskThread> uploads;
  std::unique_ptr<TaskThread> downloads;
  std::thread scanner;

  // --- inputs ---

  absl::Status Start() {
    auto info = files.Stat(options.data);
    if (!info.ok() || !info->is_directory) {
      return NotFound("data folder ", options.data, " is not there: name the folder of the zips with --data");
    }
    ICPT_ASSIGN_OR_RETURN(box, OpenBox(files, options.work));
    const DeviceFacts device = FindDevice(files, options.device);
    ICPT_ASSIGN_OR_RETURN(v1::CoordinatorIncarnation last, ReadLastCoordinator(files, options.work));
    speaker = {options.member, box.id, NewId(), device.name, device.model, std::move(last)};
    session = std::make_unique<Session>(speaker.incarnation);
    store = std::make_unique<StoreKeeper>(files, options.store, box.id);
    uploads = std::make_unique<TaskThread>();
    downloads = std::make_unique<TaskThread>();
    scanner = std::thread([this] { ScanForEver(); });
    ICPT_LOG(kInfo) << "member " << options.member << ", box " << box.id << ", device " << device.name << " ("
                    << device.model << "), coordinator " << options.coordinator;
    client = std::make_unique<CoordinatorClient>(
        options.coordinator, [this](StreamEvent event) { inputs.Push(std::move(event)); });
    return absl::OkStatus();
  }

  void ScanForEver() {
    ChunkFiles told;
    do {
      {
        absl::MutexLock lock(&names_mutex);
        inventory.SetChunks(names);
      }
      while (inventory.Scan([this] { return stop_scanning.HasBeenNotified(); })) {
        if (stop_scanning.HasBeenNotified()) return;
        inputs.Push(SessionInput(ChunkFilesSeen{told = inventory.chunks()}));
      }
      if (inventory.chunks() != told) inputs.Push(SessionInput(ChunkFilesSeen{told = inventory.chunks()}));
    } while (!stop_scanning.Await(kScanPeriod));
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
      crew.KillOverdue(SystemClock().Now());
    }
  }

  absl::Duration UntilNextWake() const {
    std::optional<MonotonicTime> wake = session->NextWake();
    const std::optional<MonotonicTime> kill = crew.NextKill();
    if (kill && (!wake || *kill < *wake)) wake = kill;
    if (!wake) return absl::Minutes(1);
    return std::clamp(*wake - SystemClock().Now(), absl::ZeroDuration(), absl::Minutes(1));
  }

  void Feed(const SessionInput& input) {
    if (std::holds_alternative<StopAsked>(input)) Hurry();
    SessionOutputs outputs = session->Handle(input, SystemClock().Now());
    for (const SessionOutput& output : outputs) {
      std::visit([this](const auto& value) { Do(value); }, output);
    }
  }

  bool stop_asked = false;
  void Hurry() {
    if (std::exchange(stop_asked, true)) crew.Hurry(SystemClock().Now());
  }

  void On(SessionInput&& input) { Feed(input); }

  void On(StreamEvent&& event) {
    if (std::holds_alternative<StreamOpened>(event)) {
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
    absl::StatusOr<SessionInput> input = FromProto(directive);
    if (!input.ok()) {
      ICPT_LOG(kWarning) << Message(input.status());
      return;
    }
    if (directive.has_welcome()) {
      if (const absl::Status status = Welcome(directive.welcome()); !status.ok()) return LeaveWith(status);
    }
    if (auto* assigned = std::get_if<Assigned>(&*input)) {
      Prepare(*assigned);
      // A person may have mended the store before resuming.
      Feed(StoreSeen{store->LookAtAll(chunk_names)});
    }
    Feed(*input);
  }

  absl::Status Welcome(const v1::Welcome& welcome) {
    ICPT_RETURN_IF_ERROR(BindPlan(files, options.work, welcome.plan_digest()));
    ICPT_RETURN_IF_ERROR(KeepLastCoordinator(files, options.work, welcome.coordinator()));
    speaker.last_coordinator = welcome.coordinator();
    ICPT_RETURN_IF_ERROR(WriteFileAtomically(files, SettingsPath(options.work),
                                             RunSettingsJson(welcome.plan(), welcome.plan_digest())));
    plan_seed = welcome.plan().seed();
    const std::string_view notice = FaceModelNotice(welcome.plan().preparation().face_model());
    if (chunk_names.empty() && !notice.empty()) ICPT_LOG(kWarning) << notice;
    chunk_names.clear();
    for (const v1::Chunk& chunk : welcome.plan().chunks()) {
      chunk_names.push_back(chunk.name());
      chunk_files[chunk.name()] = chunk.file();
    }
    {
      absl::MutexLock lock(&names_mutex);
      names = chunk_files;
    }
    Feed(StoreSeen{store->LookAtAll(chunk_names)});
    ICPT_LOG(kInfo) << "plan " << welcome.plan().name() << " (" << welcome.plan_digest().substr(0, 12)
                    << "), " << chunk_names.size() << " chunks";
    return absl::OkStatus();
  }

  // What the run left on this disk, and references of chunks that it will not come back to.
  void Prepare(Assigned& assigned) {
    const std::string specialist = SpecialistOfTask(assigned.task.task);
    if (specialist.empty()) return;
    if (recalled.insert(specialist).second)
      assigned.memory = LoadRunMemory(files, RunFolder(options.work, specialist));
    for (int chunk = 0; chunk < assigned.next_chunk && chunk < static_cast<int>(chunk_names.size());
         ++chunk) {
      store->Release(chunk_names[static_cast<size_t>(chunk)], specialist).IgnoreError();
    }
  }

  void On(ChildEvent&& event) {
    if (auto* exited = std::get_if<ChildExited>(&event)) {
      const std::optional<CrewMember> gone = crew.Dismiss(exited->child);
      if (gone && !exited->clean) ICPT_LOG(kWarning) << gone->Name() << " " << exited->reason;
      Feed(StoreSeen{store->LookAtAll(chunk_names)});
      Feed(*exited);
      return;
    }
    if (const auto* halted = std::get_if<ChildHalted>(&event)) return Feed(*halted);
    const auto& [child, message] = std::get<ChildMessage>(event);
    const CrewMember* member = crew.Find(child);
    if (member == nullptr) return;
    const absl::StatusOr<std::optional<SessionInput>> input =
        member->IsTrainer() ? OnTrainer(child, *member, message) : OnPreparer(child, *member, message);
    if (!input.ok()) {
      // A child that speaks another protocol cannot be supervised.
      ICPT_LOG(kError) << member->Name() << ": " << Message(input.status());
      Feed(ChildFailed{child, {absl::StatusCode::kInvalidArgument, Message(input.status()), false}});
      crew.Kill(child);
    } else if (input->has_value()) {
      Feed(**input);
    }
  }

  absl::StatusOr<std::optional<SessionInput>> OnTrainer(ChildId child, const CrewMember& member,
                                                        const nlohmann::json& message) {
    ICPT_ASSIGN_OR_RETURN(const std::optional<TrainerEvent> event, ReadTrainerEvent(message));
    if (!event) return std::optional<SessionInput>();
    Log(member.specialist, NoteOf(*event));
    return ToInput(child, member.specialist, *event);
  }

  absl::StatusOr<std::optional<SessionInput>> OnPreparer(ChildId child, const CrewMember& member,
                                                         const nlohmann::json& message) {
    ICPT_ASSIGN_OR_RETURN(const std::optional<PreparerEvent> event, ReadPreparerEvent(message));
    if (!event) return std::optional<SessionInput>();
    Log(Cat("chunk ", member.chunk), NoteOf(*event));
    if (std::holds_alternative<ManifestEvent>(*event)) {
      store->Trust(member.chunk);
      ICPT_ASSIGN_OR_RETURN(StoredChunk stored, store->Look(member.chunk));
      ICPT_LOG(kInfo) << "chunk " << member.chunk << " prepared: " << stored.manifest.clips << " clips, "
                      << stored.manifest.families << " families, " << stored.manifest.quarantined
                      << " quarantined";
      return std::optional<SessionInput>(ManifestBuilt{child, std::move(stored)});
    }
    // While another worker builds the same store there is nothing to count, yet it moves.
    const auto* progress = std::get_if<PreparerProgressEvent>(&*event);
    if (progress != nullptr && progress->total == 0)
      return std::optional<SessionInput>(PreparerMoved{child, -++waits});
    return ToInput(child, *event);
  }

  void Log(const std::string& whose, const std::optional<Note>& note) {
    if (note) Do(Note{note->warning, Cat(whose, ": ", note->text)});
  }

  // --- outputs ---

  void Do(const SendHello& hello) { client->Send(ToProto(hello, speaker)); }
  void Do(const SendChunkFiles& seen) { client->Send(ToProto(seen)); }
  void Do(const SendProgress& progress) { client->Send(ToProto(progress)); }
  void Do(const SendGoodbye& goodbye) { client->Send(ToProto(goodbye)); }
  void Do(const SendPublication& publication) {
    LogPublication(publication);
    client->Send(ToProto(publication));
  }

  static void LogPublication(const SendPublication& sent) {
    const std::string& task = sent.task.task;
    if (const auto* checkpoint = std::get_if<Checkpoint>(&sent.body)) {
      ICPT_LOG(kInfo) << task << ": checkpoint of step " << checkpoint->step << ", "
                      << checkpoint->blob.size_bytes << " bytes (" << ToString(checkpoint->reason) << ")";
    } else if (const auto* evaluation = std::get_if<Evaluation>(&sent.body)) {
      ICPT_LOG(kInfo) << task << ": " << ToString(evaluation->kind) << " AUC " << evaluation->auc << " ["
                      << evaluation->auc_low << ", " << evaluation->auc_high << "]";
    } else if (const auto* finished = std::get_if<ChunkFinished>(&sent.body)) {
      ICPT_LOG(kInfo) << task << ": chunk index " << finished->chunk << " finished at step "
                      << finished->step;
    }
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
    Started(start.child, crew.Start(start, JoinPath(options.data, chunk_files.at(start.chunk))));
  }

  void Do(const StartTrainer& start) {
    files.MakeFolder(RunFolder(options.work, start.specialist)).IgnoreError();
    Started(start.child, crew.Start(start));
  }

  void Do(const worker::GiveChunk& give) {
    if (const CrewMember* member = crew.Find(give.child))
      ICPT_LOG(kInfo) << member->specialist << ": chunk " << give.name;
    crew.Tell(give.child, ChunkOrder{give.chunk, give.name, give.manifest_sha256, give.last});
  }
  void Do(const SaveCheckpoint& save) { crew.Tell(save.child, SaveCommand{}); }
  void Do(const StopChild& stop) { crew.Stop(stop, SystemClock().Now()); }

  void Do(const UploadBlob& upload) {
    uploads->Post([this, upload] {
      inputs.Push(SessionInput(BlobUploaded{upload.blob, transfer.Upload(upload.blob, upload.path)}));
    });
  }

  void Do(const FetchBlob& fetch) {
    const std::string path = FetchedCheckpointPath(RunFolder(options.work, fetch.specialist), fetch.blob);
    ICPT_LOG(kInfo) << fetch.specialist << ": fetching checkpoint " << fetch.blob.hex.substr(0, 12);
    downloads->Post([this, fetch, path] {
      inputs.Push(SessionInput(BlobFetched{fetch.blob, transfer.Fetch(fetch.blob, path), path}));
    });
  }

  void Do(const DeleteFile& file) {
    const absl::Status status = files.Remove(file.path);
    if (!status.ok()) ICPT_LOG(kWarning) << Message(status);
  }

  void Do(const RememberRun& remember) {
    const absl::Status status =
        StoreRunMemory(files, RunFolder(options.work, remember.specialist), remember.memory);
    if (status.ok()) return;
    ICPT_LOG(kWarning) << remember.specialist << ": " << Message(status);
    pending.push_back(NotRemembered{remember.specialist});
  }

  void Do(const ReferChunk& refer) {
    const absl::Status status = store->Refer(refer.chunk, refer.specialist);
    if (!status.ok()) ICPT_LOG(kWarning) << "clip store: " << Message(status);
  }

  void Do(const ReleaseChunk& release) {
    const absl::Status status = store->Release(release.chunk, release.specialist);
    if (!status.ok()) ICPT_LOG(kWarning) << "clip store: " << Message(status);
    pending.push_back(StoreSeen{store->LookAtAll(chunk_names)});
  }

  void Do(const ExplainManifest& explain) {
    downloads->Post([this, explain] {
      const std::string path =
          JoinPath(options.work, Cat("committed-", explain.committed.hex.substr(0, 16), ".jsonl"));
      if (const absl::Status status = transfer.Fetch(explain.committed, path); !status.ok()) {
        ICPT_LOG(kWarning) << "the committed manifest: " << Message(status);
        return;
      }
      const auto ours = ReadWholeFile(files, explain.local_path);
      const auto theirs = ReadWholeFile(files, path);
      if (!ours.ok() || !theirs.ok()) return;
      for (const std::string& line : DescribeDifference(*ours, *theirs)) ICPT_LOG(kError) << line;
    });
  }

  void Do(const IntegrateRound& round) {
    IntegrationOptions integration{
        .results_folder = JoinPath(options.work, "results"),
        .chunk_name = chunk_names.at(static_cast<size_t>(round.chunk)),
        .seed = plan_seed,
        .fetch = [this](const Digest& blob, const std::string& path) { return transfer.Fetch(blob, path); }};
    downloads->Post([this, round, integration = std::move(integration)] {
      const absl::Status status = WriteRound(files, round, integration);
      if (status.ok()) ICPT_LOG(kInfo) << "round " << integration.chunk_name << ": table of results written";
      inputs.Push(SessionInput(RoundIntegrated{round.chunk, status}));
    });
  }

  void Do(const Note& note) {
    if (note.warning) {
      ICPT_LOG(kWarning) << note.text;
    } else {
      ICPT_LOG(kInfo) << note.text;
    }
  }

  void Do(const Leave& leave) {
    ICPT_LOG(kInfo) << "leaving: " << leave.reason;
    left = true;
  }

  // Helpers may wait for room in the queue, so it closes before anybody waits for them.
  void End() {
    NotifySupervisor("STOPPING=1");
    inputs.Close();
    stop_scanning.Notify();
    if (client != nullptr) client->Finish(fault.ok() ? kGoodbyePatience : absl::ZeroDuration());
    transfer.Cancel();
    uploads.reset();
    downloads.reset();
    if (scanner.joinable()) scanner.join();
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
