#include "worker/engine/start.h"

#include <cstdio>
#include <optional>
#include <utility>

#include "common/base/log.h"
#include "common/base/status.h"
#include "common/io/atomic_file.h"
#include "worker/engine/recovery.h"

namespace interceptor::worker {

absl::StatusOr<std::unique_ptr<File>> LockRunFolder(const FileSystem& files, const std::string& run_folder) {
  const std::string folders[] = {run_folder, CheckpointFolder(run_folder), JoinPath(run_folder, "scores")};
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

absl::StatusOr<StartingPoint> FindStart(const FileSystem& files, const TrainerOptions& options,
                                        Snapshots snapshots) {
  const RunSettings& settings = options.settings;
  const Architecture architecture =
      MakeEfficientNetB4(settings.model.width_scale, settings.model.depth_scale, settings.model.classes);
  StartingPoint start;
  CheckpointInfo& info = start.checkpoint.info;
  if (!options.resume.empty()) {
    ICPT_ASSIGN_OR_RETURN(const Digest digest, DigestOfFile(files, options.resume));
    ICPT_ASSIGN_OR_RETURN(start.checkpoint, ReadCheckpoint(files, options.resume, architecture));
    const absl::Status belongs = CheckBelongs(info, options.specialist, settings.plan_digest, settings.seed);
    if (!belongs.ok()) return Annotate(belongs, Cat("checkpoint ", options.resume));
    info.lineage.push_back(digest.hex);
    start.weights = "checkpoint";
    start.digest = digest.hex;
  } else {
    const bool given = !settings.model.initial_weights.file.empty();
    info.specialist = options.specialist;
    info.plan_digest = settings.plan_digest;
    info.cursor.seed = settings.seed;
    info.from_given_weights = given;
    start.weights = given ? "initial" : "scratch";
    if (given) start.digest = settings.model.initial_weights.sha256;
  }
  if (snapshots == Snapshots::kLeftAlone) return start;
  std::optional<FoundSnapshot> snapshot =
      FindSnapshot(files, architecture,
                   {.run_folder = options.run,
                    .specialist = options.specialist,
                    .plan_digest = settings.plan_digest,
                    .seed = settings.seed,
                    .resume_digest = options.resume.empty() ? "" : start.digest,
                    .chunk = info.cursor.chunk,
                    .step = info.step});
  if (snapshot.has_value()) {
    ICPT_ASSIGN_OR_RETURN(const Digest digest, DigestOfFile(files, snapshot->path));
    start.weights = "snapshot";
    start.digest = digest.hex;
    start.checkpoint = std::move(snapshot->checkpoint);
    start.snapshot_number = snapshot->number;
  }
  return start;
}

absl::Status LoadStart(const FileSystem& files, const TrainerOptions& options, const StartingPoint& start,
                       Learner& learner) {
  if (start.weights == "scratch") return absl::OkStatus();
  if (start.weights != "initial") return learner.Load(start.checkpoint.state);
  const ModelSettings& model = options.settings.model;
  const std::string path = JoinPath(options.data, model.initial_weights.file);
  HostState state = MakeHostState(learner.architecture(), false);
  ICPT_RETURN_IF_ERROR(learner.CaptureAll(state));
  ICPT_ASSIGN_OR_RETURN(state, ReadInitialWeights(files, path, model.initial_weights.sha256,
                                                  learner.architecture(), std::move(state)));
  return learner.Load(state);
}

void WarnIfMachineDiffers(const EngineFacts& before, const EngineFacts& now, const std::string& weights) {
  if (weights == "scratch" || weights == "initial") return;
  auto warn = [](const char* what, const auto& was, const auto& is) {
    if (was != is) {
      ICPT_LOG(kWarning) << "resuming with another " << what << " (" << was << ", now " << is
                         << "): results agree within rounding, not bit by bit";
    }
  };
  warn("device", before.device, now.device);
  warn("precision", before.precision, now.precision);
  warn("number of threads", before.threads, now.threads);
  warn("CPU capability", before.cpu_capability, now.cpu_capability);
  warn("build", before.build, now.build);
}

std::string CheckpointPath(const std::string& run_folder, SpecialistName specialist, int64_t step) {
  char number[24];
  std::snprintf(number, sizeof number, "%010lld", static_cast<long long>(step));
  return JoinPath(CheckpointFolder(run_folder), Cat(ToString(specialist), "-step-", number, ".safetensors"));
}

}  // namespace interceptor::worker
