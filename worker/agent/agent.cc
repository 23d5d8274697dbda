#include "worker/agent/agent.h"

#include <algorithm>
#include <deque>
#include <map>
#include <optional>
#include <sstream>
#include <thread>
#include <utility>
#include <variant>

#include "absl/synchronization/mutex.h"
#include "absl/synchronization/notification.h"
#include "common/base/bounded_queue.h"
#include "common/base/clock.h"
#include "common/base/ids.h"
#include "common/base/log.h"
#include "common/base/status.h"
#include "common/io/atomic_file.h"
#include "common/plan/run_settings.h"
#include "worker/agent/blob_transfer.h"
#include "worker/agent/box.h"
#include "worker/agent/child_events.h"
#include "worker/agent/children.h"
#include "worker/agent/convert.h"
#include "worker/agent/coordinator_client.h"
#include "worker/agent/integration_run.h"
#include "worker/agent/inventory.h"
#include "worker/agent/run_memory.h"
#include "worker/agent/store_keeper.h"
#include "worker/agent/task_thread.h"
#include "worker/core/session.h"

namespace interceptor::worker {
namespace {

constexpr size_t kInputsMax = 10'000;
constexpr absl::Duration kScanPeriod = absl::Seconds(1);
// How long a child may take to save and leave before it is killed; B4's snapshot takes seconds.
constexpr absl::Duration kTrainerGrace = absl::Seconds(60);
constexpr absl::Duration kPreparerGrace = absl::Seconds(10);
constexpr absl::Duration kHurriedGrace = absl::Seconds(5);
constexpr absl::Duration kGoodbyePatience = absl::Seconds(5);
constexpr int kDifferencesShown = 5;

using AgentInput = std::variant<SessionInput, StreamEvent, ChildEvent>;

std::vector<std::string> Lines(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

}  // namespace

struct Agent::Impl {
  struct ChildRecord {
    std::string specialist;  // of a trainer
    std::string chunk;       // of the preparer
    std::optional<MonotonicTime> kill_at;
  };

  explicit Impl(AgentOptions options)
      : options(std::move(options)),
        files(SystemFiles()),
        inventory(files, this->options.data, this->options.work),
        transfer(files, this->options.coordinator),
        children([this](ChildEvent event) { inputs.Push(std::move(event)); }) {}

  const AgentOptions options;
  const FileSystem& files;
  BoundedQueue<AgentInput> inputs{kInputsMax};

  // --- the loop thread's own ---
  Box box;
  Speaker speaker;
  std::unique_ptr<Session> session;
  std::unique_ptr<StoreKeeper> store;
  std::deque<SessionInput> pending;  // brought about by the loop itself
  std::map<ChildId, ChildRecord> alive;
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
  absl::Notification stop_scanning;

  BlobTransfer transfer;
  Children children;
  std::unique_ptr<CoordinatorClient> client;
  std::unique_ptr<TaskThread> uploads;
  std::unique_ptr<TaskThread> downloads;
  std::thread scanner;

  std::string RunFolder(const std::string& specialist) const {
    return JoinPath(JoinPath(options.work, "runs"), specialist);
  }
  std::string SettingsPath() const { return JoinPath(options.work, "run.json"); }

  // --- inputs ---

  absl::Status Start() {
    auto info = files.Stat(options.data);
    if (!info.ok() || !info->is_directory) {
      return NotFound("data folder ", options.data, " is not there: name the folder of the zips with --data");
    }
    ICPT_ASSIGN_OR_RETURN(box, OpenBox(files, options.work));
    const DeviceFacts device = FindDevice(files, options.device);
    speaker = {options.member, box.id, NewId(), device.name, device.model};
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
    } while (!stop_scanning.WaitForNotificationWithTimeout(kScanPeriod));
  }

  void Loop() {
    Feed(StoreSeen{});
    while (!left) {
      const absl::Duration wait = pending.empty() ? UntilNextWake() : absl::ZeroDuration();
      std::optional<AgentInput> input = inputs.Pop(wait);
      if (input) {
        std::visit([this](auto&& value) { On(std::move(value)); }, *std::move(input));
      } else {
        Feed(Ticked{});
      }
      for (; !pending.empty() && !left; pending.pop_front()) Feed(SessionInput(pending.front()));
      KillOverdue();
    }
  }

  absl::Duration UntilNextWake() const {
    std::optional<MonotonicTime> wake = session->NextWake();
    for (const auto& [id, child] : alive) {
      if (child.kill_at && (!wake || *child.kill_at < *wake)) wake = child.kill_at;
    }
    if (!wake) return absl::Minutes(1);
    return std::clamp(*wake - SystemClock().Now(), absl::ZeroDuration(), absl::Minutes(1));
  }

  void KillOverdue() {
    const MonotonicTime now = SystemClock().Now();
    for (auto& [id, child] : alive) {
      if (!child.kill_at || now < *child.kill_at) continue;
      ICPT_LOG(kWarning) << "child " << id << " did not leave in time: killed";
      child.kill_at.reset();
      children.Kill(id);
    }
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
    if (!std::exchange(stop_asked, true)) return;
    const MonotonicTime soon = SystemClock().Now() + kHurriedGrace;
    for (auto& [id, child] : alive) child.kill_at = soon;
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
    if (auto* assigned = std::get_if<Assigned>(&*input)) Prepare(*assigned);
    Feed(*input);
  }

  absl::Status Welcome(const v1::Welcome& welcome) {
    ICPT_RETURN_IF_ERROR(BindPlan(files, options.work, welcome.plan_digest()));
    ICPT_RETURN_IF_ERROR(
        WriteFileAtomically(files, SettingsPath(), RunSettingsJson(welcome.plan(), welcome.plan_digest())));
    plan_seed = welcome.plan().seed();
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
    if (recalled.insert(specialist).second) assigned.memory = LoadRunMemory(files, RunFolder(specialist));
    for (int chunk = 0; chunk < assigned.next_chunk && chunk < static_cast<int>(chunk_names.size());
         ++chunk) {
      store->Release(chunk_names[static_cast<size_t>(chunk)], specialist).IgnoreError();
    }
  }

  void On(ChildEvent&& event) {
    if (auto* exited = std::get_if<ChildExited>(&event)) {
      children.Forget(exited->child);
      const auto record = alive.find(exited->child);
      if (record != alive.end()) {
        const bool trainer = record->second.chunk.empty();
        const std::string who = trainer ? Cat("interceptor-train ", record->second.specialist)
                                        : Cat("interceptor-prepare ", record->second.chunk);
        if (!exited->clean) ICPT_LOG(kWarning) << who << " " << exited->reason;
        alive.erase(record);
      }
      Feed(StoreSeen{store->LookAtAll(chunk_names)});
      Feed(*exited);
      return;
    }
    const auto& [child, message] = std::get<ChildMessage>(event);
    const auto record = alive.find(child);
    if (record == alive.end()) return;
    absl::StatusOr<std::optional<SessionInput>> input = record->second.chunk.empty()
                                                            ? OnTrainer(child, record->second, message)
                                                            : OnPreparer(child, record->second, message);
    if (!input.ok()) {
      // A child that speaks another dialect cannot be supervised.
      ICPT_LOG(kError) << "child " << child << ": " << Message(input.status());
      Feed(ChildFailed{child, {"INVALID_ARGUMENT", Message(input.status()), false}});
      children.Kill(child);
    } else if (input->has_value()) {
      Feed(**input);
    }
  }

  absl::StatusOr<std::optional<SessionInput>> OnTrainer(ChildId child, const ChildRecord& record,
                                                        const nlohmann::json& event) {
    if (event.value("event", "") == "started") {
      ICPT_LOG(kInfo) << record.specialist << ": trainer started from " << event.value("weights", "?")
                      << " at step " << event.value("step", int64_t{0}) << " on "
                      << event.value("device", "?");
    }
    return FromTrainer(child, record.specialist, event);
  }

  absl::StatusOr<std::optional<SessionInput>> OnPreparer(ChildId child, const ChildRecord& record,
                                                         const nlohmann::json& event) {
    const std::string kind = event.value("event", "");
    if (kind == "manifest") {
      store->Trust(record.chunk);
      ICPT_ASSIGN_OR_RETURN(StoredChunk stored, store->Look(record.chunk));
      ICPT_LOG(kInfo) << "chunk " << record.chunk << " prepared: " << stored.manifest.clips << " clips, "
                      << stored.manifest.families << " families, " << stored.manifest.quarantined
                      << " quarantined";
      return std::optional<SessionInput>(ManifestBuilt{child, std::move(stored)});
    }
    if (kind == "gate") ICPT_LOG(kInfo) << "chunk " << record.chunk << ": " << event.value("text", "");
    if (kind == "quarantine") {
      ICPT_LOG(kWarning) << "chunk " << record.chunk << ": quarantined " << event.value("clip", "?") << ": "
                         << event.value("reason", "?");
    }
    ICPT_ASSIGN_OR_RETURN(std::optional<SessionInput> input, FromPreparer(child, event));
    // While another worker builds the same store there is nothing to count, yet it moves.
    auto* moved = input ? std::get_if<PreparerMoved>(&*input) : nullptr;
    if (moved != nullptr && event.value("total", int64_t{1}) == 0) moved->done = -++waits;
    return input;
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
    if (const auto* checkpoint = std::get_if<CheckpointFact>(&sent.body)) {
      ICPT_LOG(kInfo) << task << ": checkpoint of step " << checkpoint->step << ", "
                      << checkpoint->blob.size_bytes << " bytes (" << checkpoint->reason << ")";
    } else if (const auto* evaluation = std::get_if<EvaluationFact>(&sent.body)) {
      ICPT_LOG(kInfo) << task << ": " << evaluation->kind << " AUC " << evaluation->auc << " ["
                      << evaluation->auc_low << ", " << evaluation->auc_high << "]";
    } else if (const auto* finished = std::get_if<ChunkFinishedFact>(&sent.body)) {
      ICPT_LOG(kInfo) << task << ": chunk index " << finished->chunk << " finished at step "
                      << finished->step;
    }
  }

  void StartChild(ChildId id, ChildRecord record, const ChildCommand& command) {
    const absl::Status status = children.Start(id, command);
    if (!status.ok()) {
      const bool retry = !absl::IsNotFound(status);
      pending.push_back(ChildFailed{id, {absl::StatusCodeToString(status.code()), Message(status), retry}});
      pending.push_back(ChildExited{id, false, "could not be started"});
      return;
    }
    alive[id] = std::move(record);
  }

  void Do(const StartPreparer& start) {
    ICPT_LOG(kInfo) << "preparing chunk " << start.chunk;
    StartChild(start.child, {.specialist = "", .chunk = start.chunk, .kill_at = {}},
               {JoinPath(options.programs, "interceptor-prepare"),
                {JoinPath(options.data, chunk_files.at(start.chunk)), "--out", options.store, "--chunk",
                 start.chunk, "--settings", SettingsPath()}});
  }

  void Do(const StartTrainer& start) {
    const std::string run = RunFolder(start.specialist);
    files.MakeFolder(run).IgnoreError();
    ChildCommand command{JoinPath(options.programs, "interceptor-train"),
                         {"--specialist", start.specialist, "--store", options.store, "--run", run,
                          "--settings", SettingsPath(), "--data", options.data, "--device", options.device,
                          "--threads", Cat(options.threads)}};
    if (!start.resume_path.empty()) {
      command.arguments.insert(command.arguments.end(), {"--resume", start.resume_path});
    }
    StartChild(start.child, {.specialist = start.specialist, .chunk = "", .kill_at = {}}, command);
  }

  void Command(ChildId child, const nlohmann::json& command) {
    const absl::Status status = children.Send(child, command);
    // A child that is gone says so by its exit.
    if (!status.ok() && !absl::IsUnavailable(status))
      ICPT_LOG(kWarning) << "child " << child << ": " << Message(status);
  }

  void Do(const worker::GiveChunk& give) {
    ICPT_LOG(kInfo) << alive[give.child].specialist << ": chunk " << give.name;
    Command(give.child, ToCommand(give));
  }
  void Do(const SaveCheckpoint& save) { Command(save.child, {{"command", "save"}}); }

  void Do(const StopChild& stop) {
    const auto record = alive.find(stop.child);
    if (record == alive.end()) return;
    if (stop.kind == StopKind::kAtOnce) return children.Kill(stop.child);
    const bool trainer = record->second.chunk.empty();
    record->second.kill_at = SystemClock().Now() + (trainer ? kTrainerGrace : kPreparerGrace);
    Command(stop.child, {{"command", "stop"}});
  }

  void Do(const UploadBlob& upload) {
    uploads->Post([this, upload] {
      inputs.Push(SessionInput(BlobUploaded{upload.blob, transfer.Upload(upload.blob, upload.path)}));
    });
  }

  void Do(const FetchBlob& fetch) {
    const std::string path =
        JoinPath(RunFolder(fetch.specialist), Cat("base-", fetch.blob.hex.substr(0, 16), ".safetensors"));
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
    const absl::Status status = StoreRunMemory(files, RunFolder(remember.specialist), remember.memory);
    if (!status.ok()) ICPT_LOG(kWarning) << remember.specialist << ": " << Message(status);
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
      if (ours.ok() && theirs.ok()) LogDifference(Lines(*ours), Lines(*theirs));
    });
  }

  static void LogDifference(const std::vector<std::string>& ours, const std::vector<std::string>& theirs) {
    std::vector<std::string> here;
    std::vector<std::string> there;
    const std::set<std::string> our_set(ours.begin(), ours.end());
    const std::set<std::string> their_set(theirs.begin(), theirs.end());
    std::set_difference(our_set.begin(), our_set.end(), their_set.begin(), their_set.end(),
                        std::back_inserter(here));
    std::set_difference(their_set.begin(), their_set.end(), our_set.begin(), our_set.end(),
                        std::back_inserter(there));
    ICPT_LOG(kError) << here.size() << " lines only in this box's manifest, " << there.size()
                     << " only in the committed one";
    for (size_t i = 0; i < here.size() && i < kDifferencesShown; ++i)
      ICPT_LOG(kError) << "here:      " << here[i];
    for (size_t i = 0; i < there.size() && i < kDifferencesShown; ++i)
      ICPT_LOG(kError) << "committed: " << there[i];
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
