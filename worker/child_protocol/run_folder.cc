#include "worker/child_protocol/run_folder.h"

#include <vector>

#include "absl/strings/str_format.h"
#include "common/base/status.h"
#include "common/io/atomic_file.h"

namespace interceptor::worker {
namespace {

constexpr std::string_view kWeights = ".safetensors";

std::string CheckpointFolder(std::string_view run_folder) { return JoinPath(run_folder, "checkpoints"); }
std::string ScoreFolder(std::string_view run_folder) { return JoinPath(run_folder, "scores"); }

bool IsSnapshot(const std::string& path, const std::string& run_folder) {
  return path == SnapshotPath(run_folder, 0) || path == SnapshotPath(run_folder, 1);
}

// By name, which for the run's own checkpoints is by step.
std::vector<std::string> WeightsIn(const FileSystem& files, const std::string& folder) {
  std::vector<std::string> paths;
  const auto names = files.List(folder);
  if (!names.ok()) return paths;
  for (const std::string& name : *names) {
    if (name.ends_with(kWeights)) paths.push_back(JoinPath(folder, name));
  }
  return paths;
}

}  // namespace

std::string CheckpointPath(std::string_view run_folder, std::string_view specialist, int64_t step) {
  return JoinPath(CheckpointFolder(run_folder),
                  Cat(specialist, "-step-", absl::StrFormat("%010d", step), kWeights));
}

std::string FetchedCheckpointPath(std::string_view run_folder, const Digest& blob) {
  return JoinPath(run_folder, Cat("base-", blob.hex.substr(0, 16), kWeights));
}

std::string SnapshotPath(std::string_view run_folder, int64_t number) {
  return JoinPath(run_folder, Cat(number % 2 == 0 ? "recovery-a" : "recovery-b", kWeights));
}

std::string ScoreTablePath(std::string_view run_folder, EvaluationKind kind, std::string_view chunk) {
  return JoinPath(ScoreFolder(run_folder), Cat(ToString(kind), "-", chunk, ".csv"));
}

std::string ValidationTablePath(std::string_view run_folder, std::string_view chunk, int64_t step,
                                const Digest& table) {
  return ScoreTablePath(run_folder, EvaluationKind::kValidation,
                        Cat(chunk, "-step-", absl::StrFormat("%010d", step), "-", table.hex.substr(0, 16)));
}

std::string BiasPath(std::string_view run_folder, std::string_view chunk) {
  return JoinPath(ScoreFolder(run_folder), Cat("bias-", chunk, ".json"));
}

std::string LedgerPath(std::string_view run_folder) { return JoinPath(run_folder, "ledger.csv"); }

std::string UnpublishedPath(std::string_view run_folder) { return JoinPath(run_folder, "unpublished.json"); }

absl::StatusOr<std::unique_ptr<File>> LockRunFolder(const FileSystem& files, const std::string& run_folder) {
  const std::string folders[] = {run_folder, CheckpointFolder(run_folder), ScoreFolder(run_folder)};
  for (const std::string& folder : folders) ICPT_RETURN_IF_ERROR(files.MakeFolder(folder));
  ICPT_ASSIGN_OR_RETURN(std::unique_ptr<File> lock,
                        files.Open(JoinPath(run_folder, "lock"), OpenMode::kReadWrite));
  if (!lock->Lock().ok()) {
    return FailedPrecondition("another trainer is at work in ", run_folder,
                              "; stop it or give another --run");
  }
  for (const std::string& folder : folders) ICPT_RETURN_IF_ERROR(RemoveTemporaries(files, folder));
  return lock;
}

std::optional<std::string> NewestCheckpoint(const FileSystem& files, const std::string& run_folder) {
  const std::vector<std::string> paths = WeightsIn(files, CheckpointFolder(run_folder));
  return paths.empty() ? std::nullopt : std::optional(paths.back());
}

void RemoveAllButNewestCheckpoints(const FileSystem& files, const std::string& run_folder, int keep) {
  const std::vector<std::string> paths = WeightsIn(files, CheckpointFolder(run_folder));
  for (size_t i = 0; i + static_cast<size_t>(keep) < paths.size(); ++i) {
    files.Remove(paths[i]).IgnoreError();
  }
}

void RemoveUnknownCheckpoints(const FileSystem& files, const std::string& run_folder,
                              const std::set<std::string>& known) {
  for (const std::string& folder : {run_folder, CheckpointFolder(run_folder)}) {
    for (const std::string& path : WeightsIn(files, folder)) {
      if (!known.contains(path) && !IsSnapshot(path, run_folder)) files.Remove(path).IgnoreError();
    }
  }
}

}  // namespace interceptor::worker
