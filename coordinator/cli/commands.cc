#include "coordinator/cli/commands.h"

#include <algorithm>
#include <set>
#include <utility>

#include "absl/strings/ascii.h"
#include "common/base/status.h"
#include "common/facts/task.h"
#include "common/text/text.h"
#include "coordinator/cli/bias_view.h"
#include "coordinator/cli/client.h"
#include "coordinator/cli/format.h"
#include "coordinator/cli/json.h"
#include "coordinator/cli/list_views.h"
#include "coordinator/cli/status_view.h"
#include "coordinator/cli/watch.h"

namespace interceptor::coordinator {
namespace {

constexpr int kRecentEvents = 10;

int ExitCodeFor(const absl::Status& status) {
  if (status.ok()) return kExitOk;
  if (absl::IsNotFound(status)) return kExitNotFound;
  if (absl::IsUnavailable(status) || absl::IsDeadlineExceeded(status)) return kExitUnavailable;
  return kExitError;
}

class Command {
 public:
  Command(const Options& options, const Terminal& terminal, Streams streams)
      : options_(options),
        terminal_(terminal),
        streams_(streams),
        client_(options.coordinator, options.timeout) {}

  absl::StatusOr<int> Run() {
    switch (options_.verb) {
      case Verb::kStatus:
        return Status();
      case Verb::kWatch:
        return Watch(client_, {.until_done = options_.until_done, .json = options_.json}, terminal_,
                     streams_.out, streams_.err);
      case Verb::kDescribe:
        return Done(Describe());
      case Verb::kChunks:
        return List(client_.Chunks(options_.limit), "chunks",
                    [&](const auto& list) { return RenderChunks(list, terminal_); });
      case Verb::kCheckpoints:
        if (options_.verify) return Verify();
        return List(client_.Checkpoints(options_.name, options_.limit), "checkpoints",
                    [&](const auto& list) { return RenderCheckpoints(list, absl::Now(), terminal_); });
      case Verb::kEvents:
        return List(client_.Events(options_.subject, options_.limit), "events",
                    [&](const auto& list) { return RenderEvents(list, terminal_); });
      case Verb::kEvaluations:
        return List(client_.Evaluations(options_.name, options_.limit), "evaluations",
                    [&](const auto& list) { return RenderEvaluations(list, absl::Now(), terminal_); });
      case Verb::kBias:
        return ShowBias();
      case Verb::kDrain:
        return Done(client_.Drain(options_.name), Cat(options_.name, " was asked to save and leave"));
      case Verb::kPause:
        return Done(
            client_.Pause(options_.reason.empty() ? "asked for on the command line" : options_.reason),
            "paused; go on with: interceptor resume");
      case Verb::kResume:
        return Done(client_.Resume(), "resumed");
      case Verb::kPin:
        return Done(client_.Pin(options_.name),
                    Cat(options_.name, " is pinned: it stays until it is unpinned"));
      case Verb::kUnpin:
        return Done(client_.Unpin(options_.name), Cat(options_.name, " is no longer pinned"));
      case Verb::kBackup:
        return Backup();
    }
    return Internal("unknown verb");
  }

 private:
  absl::StatusOr<int> Done(const absl::Status& status, const std::string& text = "") {
    if (!status.ok()) return status;
    if (!text.empty()) streams_.err << Clean(text, terminal_.encoding) << '\n';
    return kExitOk;
  }

  void Print(const Lines& lines) {
    for (const std::string& line : lines) streams_.out << line << '\n';
  }

  // As JSON where that was asked for, else the lines of `render`.
  template <typename Message, typename Render>
  absl::Status Show(const Message& message, const Render& render) {
    if (!options_.json) {
      Print(render(message));
      return absl::OkStatus();
    }
    ICPT_ASSIGN_OR_RETURN(const std::string json, ToJson(message, JsonLayout::kIndented));
    streams_.out << json;
    return absl::OkStatus();
  }

  absl::StatusOr<int> Status() {
    ICPT_ASSIGN_OR_RETURN(const v1::GetStatusResponse status, client_.Status());
    const auto render = [&](const auto& s) { return RenderStatus(s, client_.address(), terminal_); };
    ICPT_RETURN_IF_ERROR(Show(status, render));
    const bool healthy = status.health() == v1::GetStatusResponse::HEALTH_OK;
    return options_.check && !healthy ? kExitDegraded : kExitOk;
  }

  template <typename Response, typename Render>
  absl::StatusOr<int> List(const absl::StatusOr<Response>& list, std::string_view what, Render render) {
    if (!list.ok()) return list.status();
    // The first field of each list is its items.
    const bool empty = list->GetReflection()->FieldSize(*list, list->GetDescriptor()->field(0)) == 0;
    if (options_.json || !empty) return Done(Show(*list, render));
    streams_.err << "no " << what << " yet\n";
    return kExitOk;
  }

  absl::StatusOr<int> ShowBias() {
    ICPT_ASSIGN_OR_RETURN(const v1::ListEvaluationsResponse all, client_.Evaluations(options_.name, 0));
    return List(absl::StatusOr<v1::ListEvaluationsResponse>(WithBias(all)),
                "held-out evaluations with their bias",
                [&](const auto& list) { return RenderBias(list, terminal_); });
  }

  // One after the other, with a line each as it is known.
  absl::StatusOr<int> Verify() {
    ICPT_ASSIGN_OR_RETURN(const v1::ListCheckpointsResponse list,
                          client_.Checkpoints(options_.name, options_.limit));
    std::vector<std::pair<std::string, v1::VerifyCheckpointResponse>> verdicts;
    bool intact = true;
    for (const v1::Checkpoint& checkpoint : list.checkpoints()) {
      absl::StatusOr<v1::VerifyCheckpointResponse> verdict = client_.Verify(checkpoint.id());
      // Retention removed it meanwhile.
      if (absl::IsNotFound(verdict.status())) continue;
      ICPT_RETURN_IF_ERROR(verdict.status());
      intact = intact && verdict->intact();
      if (!options_.json) streams_.out << RenderVerdict(checkpoint, *verdict, terminal_) << std::endl;
      verdicts.emplace_back(checkpoint.id(), *std::move(verdict));
    }
    if (options_.json) {
      std::vector<std::pair<std::string, const google::protobuf::Message*>> members;
      for (const auto& [id, verdict] : verdicts) members.emplace_back(id, &verdict);
      ICPT_ASSIGN_OR_RETURN(const std::string json, ToJsonObject(members));
      streams_.out << json;
    } else if (verdicts.empty()) {
      streams_.err << "no checkpoints yet\n";
    }
    return intact ? kExitOk : kExitError;
  }

  // The folder alone on stdout, so that a script can take it.
  absl::StatusOr<int> Backup() {
    ICPT_ASSIGN_OR_RETURN(const v1::BackupResponse backup, client_.Backup());
    const auto folder = [&](const auto& b) { return Lines{Clean(b.folder(), terminal_.encoding)}; };
    ICPT_RETURN_IF_ERROR(Show(backup, folder));
    if (options_.json) return kExitOk;
    const std::string shared =
        backup.blobs() == 0 ? "" : Cat(" (", Bytes(backup.blob_bytes()), ", shared with the vault)");
    streams_.err << Counted(backup.events(), "event", "events") << " and "
                 << Counted(backup.blobs(), "blob", "blobs") << shared
                 << "; it stands on the head node: copy it to another disk\n";
    if (backup.missing() == 0) return kExitOk;
    streams_.err << "interceptor: " << Counted(backup.missing(), "blob is", "blobs are")
                 << " missing from the vault and from this backup\n";
    return kExitError;
  }

  absl::Status Describe() {
    const size_t slash = options_.name.find('/');
    std::string kind = slash == std::string::npos ? "" : options_.name.substr(0, slash);
    const std::string name = slash == std::string::npos ? options_.name : options_.name.substr(slash + 1);
    if (kind == "train") kind = "specialist";
    if (!kind.empty() && kind != "specialist" && kind != "member" && kind != "chunk") {
      return NotFound("nothing is of kind '", kind, "': use specialist/", name, ", member/", name,
                      " or chunk/", name);
    }
    ICPT_ASSIGN_OR_RETURN(const v1::GetStatusResponse status, client_.Status());
    if (kind.empty() || kind == "specialist") {
      for (const v1::TaskStatus* task : TrainingTasks(status)) {
        if (SpecialistOf(task->task()) == absl::AsciiStrToUpper(name)) return DescribeSpecialist(*task);
      }
    }
    std::set<std::string> members;
    for (const v1::WorkerStatus& worker : status.workers()) members.insert(worker.member());
    for (const v1::TaskStatus& task : status.tasks()) members.insert(task.home_member());
    members.erase("");
    if ((kind.empty() || kind == "member") && members.count(name) > 0) return DescribeMember(name);
    ICPT_ASSIGN_OR_RETURN(const v1::ListChunksResponse chunks, client_.Chunks(0));
    if (kind.empty() || kind == "chunk") {
      for (const v1::ChunkStatus& chunk : chunks.chunks()) {
        if (chunk.chunk() == name) {
          return Show(chunk, [&](const auto& c) { return RenderChunk(c, terminal_); });
        }
      }
    }
    return UnknownName(status, members, chunks);
  }

  absl::Status UnknownName(const v1::GetStatusResponse& status, const std::set<std::string>& members,
                           const v1::ListChunksResponse& chunks) const {
    std::string known = "specialists";
    for (const v1::TaskStatus* task : TrainingTasks(status)) known += Cat(" ", SpecialistOf(task->task()));
    known += "; members";
    for (const std::string& member : members) known += Cat(" ", member);
    known += "; chunks";
    for (const v1::ChunkStatus& chunk : chunks.chunks()) known += Cat(" ", chunk.chunk());
    return NotFound("nothing is called '", options_.name, "'; there are ", known);
  }

  absl::Status DescribeMember(const std::string& name) {
    ICPT_ASSIGN_OR_RETURN(const v1::DescribeWorkerResponse description, client_.DescribeWorker(name));
    return Show(description, [&](const auto& d) { return RenderWorker(d, terminal_); });
  }

  // The newest events about any of `subjects`.
  absl::StatusOr<v1::ListEventsResponse> RecentEvents(const std::vector<std::string>& subjects) {
    v1::ListEventsResponse recent;
    for (const std::string& subject : subjects) {
      ICPT_ASSIGN_OR_RETURN(const v1::ListEventsResponse page, client_.Events(subject, kRecentEvents));
      recent.mutable_events()->MergeFrom(page.events());
    }
    auto& events = *recent.mutable_events();
    std::sort(events.begin(), events.end(),
              [](const auto& a, const auto& b) { return a.number() > b.number(); });
    const int surplus = std::max<int>(0, events.size() - kRecentEvents);
    events.DeleteSubrange(events.size() - surplus, surplus);
    return recent;
  }

  absl::Status DescribeSpecialist(const v1::TaskStatus& task) {
    const std::string specialist = SpecialistOf(task.task());
    SpecialistDescription description;
    description.task = task;
    ICPT_ASSIGN_OR_RETURN(description.checkpoints, client_.Checkpoints(specialist, 0));
    ICPT_ASSIGN_OR_RETURN(description.evaluations, client_.Evaluations(specialist, 0));
    ICPT_ASSIGN_OR_RETURN(description.recent_events, RecentEvents({task.task(), specialist + "-"}));
    if (options_.json) {
      ICPT_ASSIGN_OR_RETURN(const std::string json,
                            ToJsonObject({{"task", &description.task},
                                          {"checkpoints", &description.checkpoints},
                                          {"evaluations", &description.evaluations},
                                          {"recent_events", &description.recent_events}}));
      streams_.out << json;
      return absl::OkStatus();
    }
    Print(RenderSpecialist(description, absl::Now(), terminal_));
    return absl::OkStatus();
  }

  const Options& options_;
  const Terminal& terminal_;
  Streams streams_;
  Client client_;
};

}  // namespace

int RunCommand(const Options& options, const Terminal& terminal, Streams streams) {
  absl::StatusOr<int> code = Command(options, terminal, streams).Run();
  if (code.ok() && !streams.out.flush()) code = Internal("cannot write to standard output");
  if (code.ok()) return *code;
  streams.err << "interceptor: " << Clean(Message(code.status()), terminal.encoding) << '\n';
  return ExitCodeFor(code.status());
}

}  // namespace interceptor::coordinator
