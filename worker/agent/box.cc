#include "worker/agent/box.h"

#include <string_view>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_split.h"
#include "common/base/ids.h"
#include "common/base/status.h"
#include "common/io/atomic_file.h"
#include "google/protobuf/text_format.h"

namespace interceptor::worker {
namespace {

constexpr char kLastCoordinator[] = "coordinator.txtpb";
constexpr char kGpuFolder[] = "/proc/driver/nvidia/gpus";

bool IsId(std::string_view text) {
  return text.size() == 32 && text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

std::string FirstLine(const std::string& text) { return text.substr(0, text.find('\n')); }

// What follows "<key>...:" in the first line of `text` that starts with `key`.
std::string FieldOf(const std::string& text, std::string_view key) {
  for (const std::string& line : std::vector<std::string>(absl::StrSplit(text, '\n'))) {
    const size_t colon = line.find(':');
    if (!line.starts_with(key) || colon == std::string::npos) continue;
    return std::string(absl::StripAsciiWhitespace(line.substr(colon + 1)));
  }
  return "";
}

}  // namespace

absl::StatusOr<Box> OpenBox(const FileSystem& files, const std::string& work) {
  ICPT_RETURN_IF_ERROR(Annotate(files.MakeFolder(work), Cat("work folder ", work)));
  Box box;
  ICPT_ASSIGN_OR_RETURN(box.lock, files.Open(JoinPath(work, "agent.lock"), OpenMode::kReadWrite));
  if (const absl::Status locked = box.lock->Lock(); !locked.ok()) {
    if (!absl::IsFailedPrecondition(locked)) return Annotate(locked, work);
    return FailedPrecondition(
        "work folder ", work,
        " is in use by another worker: stop that one, or give this one a --work of its own");
  }
  // What a killed agent was writing; the lock says that nobody else writes here.
  ICPT_RETURN_IF_ERROR(Annotate(RemoveTemporaries(files, work), work));
  const std::string path = JoinPath(work, "box.id");
  const auto text = ReadWholeFile(files, path);
  if (absl::IsNotFound(text.status())) {
    box.id = NewId();
    ICPT_RETURN_IF_ERROR(WriteFileAtomically(files, path, box.id + "\n"));
    return box;
  }
  ICPT_RETURN_IF_ERROR(text.status());
  box.id = FirstLine(*text);
  if (IsId(box.id)) return box;
  return DataLoss(path, " does not hold a box id: restore it, or start with an empty --work folder");
}

std::string SettingsPath(const std::string& work) { return JoinPath(work, "run.json"); }

std::string RunFolder(const std::string& work, const std::string& specialist) {
  return JoinPath(JoinPath(work, "runs"), specialist);
}

std::string ResultsFolder(const std::string& work) { return JoinPath(work, "results"); }

std::string TablesFolder(const std::string& work) { return JoinPath(ResultsFolder(work), "tables"); }

absl::Status KeepFile(const FileSystem& files, const std::string& path, const std::string& text) {
  const auto kept = ReadWholeFile(files, path);
  return kept.ok() && *kept == text ? absl::OkStatus() : WriteFileAtomically(files, path, text);
}

absl::Status BindPlan(const FileSystem& files, const std::string& work, const std::string& plan_digest) {
  const std::string path = JoinPath(work, "plan.digest");
  const auto text = ReadWholeFile(files, path);
  if (absl::IsNotFound(text.status())) return WriteFileAtomically(files, path, plan_digest + "\n");
  ICPT_RETURN_IF_ERROR(text.status());
  if (FirstLine(*text) == plan_digest) return absl::OkStatus();
  return FailedPrecondition("work folder ", work, " holds the work of plan ", FirstLine(*text).substr(0, 12),
                            ", the coordinator runs plan ", plan_digest.substr(0, 12),
                            ": give this worker a new --work folder");
}

absl::StatusOr<v1::CoordinatorIncarnation> ReadLastCoordinator(const FileSystem& files,
                                                               const std::string& work) {
  v1::CoordinatorIncarnation coordinator;
  const std::string path = JoinPath(work, kLastCoordinator);
  const auto text = ReadWholeFile(files, path);
  if (absl::IsNotFound(text.status())) return coordinator;
  ICPT_RETURN_IF_ERROR(text.status());
  if (google::protobuf::TextFormat::ParseFromString(*text, &coordinator)) return coordinator;
  return DataLoss(path,
                  " is damaged: remove it if the coordinator's state folder was never restored from a copy");
}

absl::Status KeepLastCoordinator(const FileSystem& files, const std::string& work,
                                 const v1::CoordinatorIncarnation& coordinator) {
  std::string text;
  google::protobuf::TextFormat::PrintToString(coordinator, &text);
  return KeepFile(files, JoinPath(work, kLastCoordinator), text);
}

DeviceFacts FindDevice(const FileSystem& files, const std::string& asked) {
  DeviceFacts device{asked, ""};
  const auto gpus = files.List(kGpuFolder);
  if (asked == "auto") device.name = gpus.ok() && !gpus->empty() ? "cuda:0" : "cpu";
  if (device.name == "cpu") {
    const auto text = ReadWholeFile(files, "/proc/cpuinfo");
    if (text.ok()) device.model = FieldOf(*text, "model name");
  } else if (gpus.ok() && gpus->size() == 1) {  // the folder does not say which of several is cuda:N
    const auto text = ReadWholeFile(files, JoinPath(JoinPath(kGpuFolder, gpus->front()), "information"));
    if (text.ok()) device.model = FieldOf(*text, "Model");
  }
  return device;
}

}  // namespace interceptor::worker
