#include "worker/engine/start.h"

#include <algorithm>
#include <utility>

#include "common/base/log.h"
#include "common/base/status.h"
#include "common/io/atomic_file.h"
#include "worker/child_protocol/run_folder.h"
#include "worker/models/specialist.h"

namespace interceptor::worker {
namespace {

absl::Status CheckUsable(const CheckpointInfo& info, const TrainerOptions& options,
                         const StartingPoint& start) {
  const RunSettings& settings = options.settings;
  ICPT_RETURN_IF_ERROR(CheckBelongs(info, options.specialist, settings.plan_digest, settings.seed));
  const bool descends =
      options.resume.empty() || std::ranges::find(info.lineage, start.digest) != info.lineage.end();
  if (descends) return absl::OkStatus();
  return FailedPrecondition("it does not descend from checkpoint ", start.digest.substr(0, 12));
}

}  // namespace

absl::StatusOr<StartingPoint> FindStart(const FileSystem& files, const TrainerOptions& options) {
  const RunSettings& settings = options.settings;
  StartingPoint start;
  CheckpointInfo& info = start.checkpoint.info;
  if (!options.resume.empty()) {
    ICPT_ASSIGN_OR_RETURN(const Digest digest, DigestOfFile(files, options.resume));
    const Architecture net = MakeArchitecture(settings.model, options.specialist);
    ICPT_ASSIGN_OR_RETURN(start.checkpoint, ReadCheckpoint(files, options.resume, net));
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
  return start;
}

absl::StatusOr<std::optional<StartingPoint>> FindSnapshot(const FileSystem& files,
                                                          const TrainerOptions& options,
                                                          const StartingPoint& start) {
  const Architecture net = MakeArchitecture(options.settings.model, options.specialist);
  std::optional<StartingPoint> best;
  int64_t best_step = start.checkpoint.info.step;
  for (int64_t number = 0; number < 2; ++number) {
    const std::string path = SnapshotPath(options.run, number);
    if (!files.Exists(path)) continue;
    absl::StatusOr<Checkpoint> snapshot = ReadCheckpoint(files, path, net);
    const absl::Status usable =
        snapshot.ok() ? CheckUsable(snapshot->info, options, start) : absl::Status(snapshot.status());
    if (!usable.ok()) {
      ICPT_LOG(kWarning) << "recovery snapshot " << path << " is deleted: " << Message(usable);
      files.Remove(path).IgnoreError();
      continue;
    }
    const CheckpointInfo& info = snapshot->info;
    if (info.cursor.chunk != start.checkpoint.info.cursor.chunk || info.step <= best_step) continue;
    best_step = info.step;
    ICPT_ASSIGN_OR_RETURN(const Digest digest, DigestOfFile(files, path));
    best = StartingPoint{"snapshot", digest.hex, *std::move(snapshot), number};
  }
  return best;
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

}  // namespace interceptor::worker
