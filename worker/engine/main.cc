// interceptor-train: clip stores in, a trained model out. Under an agent it takes its orders over a socket;
// alone it goes through the chunks by itself.
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "common/base/log.h"
#include "common/base/status.h"
#include "common/io/atomic_file.h"
#include "worker/child_protocol/run_folder.h"
#include "worker/engine/control.h"
#include "worker/engine/trainer.h"
#include "worker/store/clip_store.h"
#include "worker/store/settings.h"

namespace interceptor::worker {
namespace {

constexpr int kExitError = 1;
constexpr int kExitUsage = 2;
constexpr int kExitNotFound = 4;
constexpr int kExitNewerVersion = 78;

struct Arguments {
  TrainerOptions trainer;
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
  } else if (arguments.settings_file.empty()) {
    settings.chunks = ChunksInStore(files, arguments.trainer.store);
    if (settings.chunks.empty()) {
      return NotFound("the store ", arguments.trainer.store,
                      " holds no prepared chunk; run interceptor-prepare ZIP --out ",
                      arguments.trainer.store);
    }
  }
  return Validate(settings);
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
      "Run again after an interruption, it goes on where it stood.");
  app.add_option("--specialist", arguments.specialist, "BG, AV, CM, RR, LL or TM")->required();
  app.add_option("--store", arguments.trainer.store, "folder of clip stores (interceptor-prepare --out)")
      ->required();
  app.add_option("--run", arguments.trainer.run, "this run's folder: checkpoints, scores, ledger")
      ->required();
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
  app.failure_message([](const CLI::App*, const CLI::Error& error) {
    return std::string("interceptor-train: ") + error.what() + "; see interceptor-train --help\n";
  });
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : kExitUsage;
  }
  const std::optional<SpecialistName> specialist = ParseSpecialist(arguments.specialist);
  if (!specialist.has_value()) {
    ICPT_LOG(kError) << "--specialist " << arguments.specialist << " is none of BG, AV, CM, RR, LL, TM";
    return kExitUsage;
  }
  arguments.trainer.specialist = *specialist;
  return Run(arguments);
}
