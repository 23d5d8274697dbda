// interceptor-train: clip stores in, a trained model out. Under an agent it takes its orders over a socket;
// alone it goes through the chunks by itself. `estimate` says beforehand how long that takes.
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <iostream>
#include <optional>
#include <string>
#include <vector>

#include "common/base/log.h"
#include "common/base/status.h"
#include "common/io/atomic_file.h"
#include "worker/child_protocol/run_folder.h"
#include "worker/engine/control.h"
#include "worker/engine/estimate.h"
#include "worker/engine/trainer.h"
#include "worker/store/clip_store.h"
#include "worker/store/settings.h"

namespace interceptor::worker {
namespace {

constexpr int kEstimateSteps = 3;
constexpr int kExitError = 1;
constexpr int kExitUsage = 2;
constexpr int kExitNotFound = 4;
constexpr int kExitNewerVersion = 78;

struct Arguments {
  TrainerOptions trainer;
  const CLI::App* estimate = nullptr;
  int64_t clips = 0;  // of a chunk that is not prepared
  std::string specialist;
  std::string settings_file;
  std::vector<std::string> chunks;
  int control_fd = -1;
};

// Chunk folders that are complete in the store, by name.
std::vector<std::string> ChunksInStore(const FileSystem& files, const std::string& store) {
  std::vector<std::string> chunks;
  const absl::StatusOr<std::vector<std::string>> names = files.List(store);
  if (!names.ok()) return chunks;
  for (const std::string& name : *names) {
    if (files.Exists(TrainStorePath(store, name)) && files.Exists(KeepStorePath(store, name))) {
      chunks.push_back(name);
    }
  }
  return chunks;
}

absl::Status ReadSettings(const FileSystem& files, Arguments& arguments) {
  RunSettings& settings = arguments.trainer.settings;
  if (!arguments.settings_file.empty()) {
    ICPT_ASSIGN_OR_RETURN(const std::string text, ReadWholeFile(files, arguments.settings_file));
    absl::StatusOr<RunSettings> parsed = ParseRunSettings(text);
    if (!parsed.ok()) return Annotate(parsed.status(), arguments.settings_file);
    settings = *std::move(parsed);
  }
  if (!arguments.chunks.empty()) {
    settings.chunks = arguments.chunks;
  } else if (arguments.settings_file.empty() && !arguments.estimate->parsed()) {
    settings.chunks = ChunksInStore(files, arguments.trainer.store);
    if (settings.chunks.empty()) {
      return NotFound("the store ", arguments.trainer.store,
                      " holds no prepared chunk; run interceptor-prepare ZIP --out ",
                      arguments.trainer.store);
    }
  }
  return Validate(settings);
}

absl::Status EstimateSpecialists(const FileSystem& files, Arguments& arguments) {
  ICPT_RETURN_IF_ERROR(ReadSettings(files, arguments));
  const RunSettings& settings = arguments.trainer.settings;
  ICPT_ASSIGN_OR_RETURN(const std::vector<ClipCounts> clips,
                        CountClips(files, arguments.trainer.store, settings, arguments.clips));
  for (const SpecialistName specialist : kAllSpecialists) {
    if (!arguments.specialist.empty() && specialist != arguments.trainer.specialist) continue;
    const LearnerOptions options = {.model = settings.model,
                                    .recipe = settings.recipe,
                                    .specialist = specialist,
                                    .seed = settings.seed,
                                    .device = arguments.trainer.device,
                                    .threads = arguments.trainer.threads,
                                    .from_given_weights = !settings.model.initial_weights.file.empty()};
    ICPT_ASSIGN_OR_RETURN(const TrainingSpeed speed, MeasureSpeed(settings, options, kEstimateSteps));
    std::cout << ToString(specialist) << " on " << speed.facts.device << " (" << speed.facts.precision
              << "), batches of " << settings.recipe.batch_size << ": " << RenderSpeed(settings, speed)
              << "\n"
              << RenderEstimate(EstimateRun(settings, clips, speed)) << "\n"
              << std::flush;
  }
  std::cout << "Computing alone: waiting for data, preparing and saving come on top.\n";
  return absl::OkStatus();
}

int ExitCode(const absl::Status& status) {
  if (status.ok()) return 0;
  if (Message(status).find("written by a newer version") != std::string::npos) return kExitNewerVersion;
  return status.code() == absl::StatusCode::kNotFound ? kExitNotFound : kExitError;
}

// Whether the same order could succeed later without a person fixing something.
bool MayRetry(const absl::Status& status) {
  return !absl::IsInvalidArgument(status) && !absl::IsFailedPrecondition(status) && !absl::IsDataLoss(status);
}

int Estimate(Arguments& arguments) {
  const absl::Status status = EstimateSpecialists(SystemFiles(), arguments);
  if (!status.ok()) ICPT_LOG(kError) << absl::StatusCodeToString(status.code()) << ": " << Message(status);
  return status.ok() ? 0 : ExitCode(status);
}

// What training cannot do without.
void RequireRun(const Arguments& arguments) {
  if (arguments.estimate->parsed()) return;
  if (arguments.specialist.empty()) throw CLI::RequiredError("--specialist");
  if (arguments.trainer.store.empty()) throw CLI::RequiredError("--store");
  if (arguments.trainer.run.empty()) throw CLI::RequiredError("--run");
}

int Run(Arguments& arguments) {
  const FileSystem& files = SystemFiles();
  std::unique_ptr<Control> control;
  if (arguments.control_fd >= 0) control = MakeAgentControl(arguments.control_fd);
  absl::Status status = ReadSettings(files, arguments);
  if (control == nullptr) {
    control = MakeAloneControl(files, arguments.trainer.settings, arguments.trainer.run);
    if (arguments.trainer.resume.empty()) {
      arguments.trainer.resume = NewestCheckpoint(files, arguments.trainer.run).value_or("");
    }
  }
  control->Emit(HelloEvent{.program = "interceptor-train", .pid = getpid()});
  if (status.ok()) status = Train(files, arguments.trainer, *control);
  if (status.ok()) return 0;
  control->Emit(FailedEvent{{status.code(), Message(status), MayRetry(status)}});
  ICPT_LOG(kError) << absl::StatusCodeToString(status.code()) << ": " << Message(status);
  return ExitCode(status);
}

}  // namespace
}  // namespace interceptor::worker

int main(int argc, char** argv) {
  using namespace interceptor;
  using namespace interceptor::worker;
  SetProgramName("interceptor-train");
  WatchStopSignals();
  Arguments arguments;
  CLI::App app(
      "Trains one specialist on prepared chunks.\n\n"
      "Example: interceptor-train --specialist BG --store ./store --run ./runs/BG\n"
      "Run again after an interruption, it goes on where it stood.\n"
      "How long will it take here? interceptor-train estimate --settings run.json --clips 2000");
  app.add_option("--specialist", arguments.specialist, "BG, AV, CM, RR, LL or TM");
  app.add_option("--store", arguments.trainer.store, "folder of clip stores (interceptor-prepare --out)");
  app.add_option("--run", arguments.trainer.run, "this run's folder: checkpoints, scores, ledger");
  app.add_option("--settings", arguments.settings_file,
                 "run.json with the plan's fields; absent: their defaults");
  app.add_option("--data", arguments.trainer.data, "folder that model.initial_weights.file is relative to")
      ->default_val(".");
  app.add_option("--device", arguments.trainer.device, "cpu, cuda:N or auto")->default_val("cpu");
  app.add_option("--threads", arguments.trainer.threads, "compute threads")
      ->default_val(1)
      ->check(CLI::Range(1, 256));
  app.add_option("--resume", arguments.trainer.resume, "checkpoint to go on from");
  app.add_option("--chunks", arguments.chunks,
                 "chunks in order, instead of those of the settings or the store")
      ->delimiter(',');
  app.add_option("--control-fd", arguments.control_fd, "socket of the agent (docs/child-protocol.md)");
  CLI::App* estimate =
      app.add_subcommand(
             "estimate",
             "Hours of each chunk and of the plan on this box's device, for one specialist or all "
             "six, from some steps on made-up input.")
          ->fallthrough();
  estimate
      ->add_option("--clips", arguments.clips,
                   "clips of a chunk that is not prepared (default: as those of the store that are)")
      ->check(CLI::Range(int64_t{1}, int64_t{1} << 32));
  arguments.estimate = estimate;
  app.failure_message([](const CLI::App*, const CLI::Error& error) {
    return std::string("interceptor-train: ") + error.what() + "; see interceptor-train --help\n";
  });
  try {
    app.parse(argc, argv);
    RequireRun(arguments);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : kExitUsage;
  }
  const std::optional<SpecialistName> specialist = ParseSpecialist(arguments.specialist);
  if (!specialist.has_value() && !arguments.specialist.empty()) {
    ICPT_LOG(kError) << "--specialist " << arguments.specialist << " is none of BG, AV, CM, RR, LL, TM";
    return kExitUsage;
  }
  arguments.trainer.specialist = specialist.value_or(SpecialistName::kBG);
  return arguments.estimate->parsed() ? Estimate(arguments) : Run(arguments);
}
