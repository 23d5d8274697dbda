// interceptor-prepare: one chunk's zip becomes a clip store. Alone it shows its progress on the terminal;
// under an agent it speaks docs/child-protocol.md on the descriptor that --control-fd names. Two commands
// look at a whole folder of chunks beforehand.
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <atomic>
#include <iostream>
#include <thread>

#include "absl/strings/str_format.h"
#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/status.h"
#include "common/base/stop_signals.h"
#include "common/io/atomic_file.h"
#include "common/io/line_channel.h"
#include "worker/child_protocol/codec.h"
#include "worker/prepare/audit.h"
#include "worker/prepare/estimate.h"
#include "worker/prepare/prepare.h"
#include "worker/prepare/text.h"
#include "worker/store/settings.h"

namespace interceptor::worker {
namespace {

enum ExitCode { kDone = 0, kError = 1, kUsage = 2, kNotFound = 4, kUnavailable = 7, kNewer = 78 };

std::atomic<bool> stop_signal = false;

std::string Shown(double value) { return absl::StrFormat("%.1f", value); }

void ShowNotice(std::string_view notice) {
  if (!notice.empty()) std::cerr << "note: " << notice << "\n";
}

// Progress for a person: one line that is rewritten on a terminal, a line every few seconds elsewhere.
class TerminalObserver final : public PrepareObserver {
 public:
  // `notice` is shown once the chunk has passed the data gate.
  TerminalObserver(std::string chunk, std::string_view notice) : chunk_(std::move(chunk)), notice_(notice) {}

  void OnProgress(int64_t done, int64_t total, int64_t quarantined) override {
    if (done == 0) begun_ = SystemClock().Now();
    const double seconds = absl::ToDoubleSeconds(SystemClock().Now() - begun_);
    const double rate = seconds > 0 ? static_cast<double>(done) / seconds : 0;
    Show(Cat(done, "/", total, " clips, ", quarantined, " quarantined, ", Shown(rate), " clips/s"),
         done == total);
  }

  void OnScan(int64_t done, int64_t total) override {
    Show(Cat("looking for footage of other families, ", done, "/", total), false);
  }

  void OnQuarantine(const std::string& clip, const std::string& reason) override {
    EndLine();
    std::cerr << "quarantined " << Printable(clip) << ": " << Printable(reason) << "\n";
  }

  void OnGate(const GateEvent& gate, const std::vector<std::string>& notes) override {
    EndLine();
    std::cerr << "chunk " << chunk_ << ": " << gate.text << "\n";
    for (const std::string& note : notes) std::cerr << "chunk " << chunk_ << ": " << Printable(note) << "\n";
    ShowNotice(notice_);
  }

  void OnWaiting() override {
    if (!std::exchange(waiting_told_, true)) {
      std::cerr << "chunk " << chunk_ << ": another process is preparing it; waiting for its store\n";
    }
  }

  bool Stopped() override { return stop_signal; }

  void EndLine() {
    if (std::exchange(open_line_, false)) std::cerr << "\n";
  }

 private:
  void Show(const std::string& text, bool is_last) {
    const MonotonicTime now = SystemClock().Now();
    const absl::Duration pause = is_terminal_ ? absl::Milliseconds(100) : absl::Seconds(5);
    if (!is_last && now - last_shown_ < pause) return;
    last_shown_ = now;
    std::cerr << (is_terminal_ ? "\r\033[K" : "") << "chunk " << Printable(chunk_) << ": " << text
              << (is_terminal_ ? "" : "\n") << std::flush;
    open_line_ = is_terminal_;
  }

  const std::string chunk_;
  const std::string_view notice_;
  const bool is_terminal_ = isatty(STDERR_FILENO) != 0;
  MonotonicTime begun_ = SystemClock().Now();
  MonotonicTime last_shown_ = begun_ - absl::Hours(1);
  bool open_line_ = false;
  bool waiting_told_ = false;
};

// The same events for an agent.
class ChannelObserver final : public PrepareObserver {
 public:
  explicit ChannelObserver(int fd) : channel_(fd) {
    Tell(HelloEvent{.program = "interceptor-prepare", .pid = getpid()});
  }

  void OnProgress(int64_t done, int64_t total, int64_t quarantined) override {
    Tell(PreparerProgressEvent{done, total, quarantined});
  }

  void OnScan(int64_t done, int64_t total) override {
    if (std::exchange(last_scanned_, done) != done) OnProgress(done, total, 0);
  }

  void OnQuarantine(const std::string& clip, const std::string& reason) override {
    Tell(QuarantineEvent{clip, Printable(reason)});
  }

  void OnGate(const GateEvent& gate, const std::vector<std::string>& notes) override {
    GateEvent told = gate;
    for (const std::string& note : notes) told.text += Cat(" ", Printable(note), ".");
    Tell(told);
  }

  void OnWaiting() override {
    const MonotonicTime now = SystemClock().Now();
    if (now - last_wait_told_ < absl::Seconds(2)) return;
    last_wait_told_ = now;
    OnProgress(0, 0, 0);
  }

  // A closed channel means that nobody wants the store any more.
  bool Stopped() override {
    while (!stopped_) {
      const auto input = channel_.TryReceive();
      if (input.ok() && input->kind == ChannelInput::Kind::kNothing) break;
      if (input.ok() && input->kind == ChannelInput::Kind::kMessage) {
        Obey(ReadCommand(input->message));
      } else if (absl::IsInvalidArgument(input.status())) {
        ICPT_LOG(kWarning) << "control channel: " << input.status().message();
      } else {
        stopped_ = true;
      }
    }
    return stopped_ || stop_signal;
  }

  bool was_told_to_stop() const { return stopped_; }

  void Finish(const absl::StatusOr<PrepareSummary>& result) {
    if (result.ok()) {
      Tell(ManifestEvent{result->manifest_path, result->manifest, result->clips, result->families,
                         result->quarantined});
    } else if (!stopped_) {
      Tell(FailedEvent{
          {result.status().code(), Printable(Message(result.status())), RetryHelps(result.status())}});
    }
  }

 private:
  void Tell(const PreparerEvent& event) {
    if (!channel_.Send(ToJson(event)).ok()) stopped_ = true;
  }

  void Obey(const absl::StatusOr<Command>& command) {
    if (command.ok() && std::holds_alternative<StopCommand>(*command)) {
      stopped_ = true;
    } else {
      ICPT_LOG(kWarning) << "control channel: "
                         << (command.ok() ? "not a command for a preparer" : Message(command.status()));
    }
  }

  LineChannel channel_;
  bool stopped_ = false;
  MonotonicTime last_wait_told_;
  int64_t last_scanned_ = -1;
};

struct Arguments {
  PrepareOptions options;
  std::string settings_path;
  int control_fd = -1;
  std::string folder;  // of the commands that look at one
  const CLI::App* audit = nullptr;
  const CLI::App* estimate = nullptr;
};

void AddOptions(CLI::App& app, Arguments& arguments) {
  PrepareOptions& options = arguments.options;
  options.pool.decoders = static_cast<int>(std::clamp(std::thread::hardware_concurrency(), 1u, 256u));
  options.pool.face_model_path = INTERCEPTOR_CASCADE;
  options.pool.program = JoinPath(OwnFolder(), "interceptor-decode");
  app.add_option("ZIP", options.zip_path, "the chunk");
  app.add_option("--out", options.store, "store folder; the chunk gets a folder of its own in it");
  app.add_option("--chunk", options.chunk, "the chunk's name (default: the zip's name without its ending)");
  app.add_option("--settings", arguments.settings_path, "run.json (default: the master plan's recipe)");
  app.add_option(
         "--store-max", options.store_bytes_max,
         "what the clips of all chunks in the store may take, e.g. 60GiB (default: what the disk has)")
      ->transform(CLI::AsSizeValue(false));
  app.add_option("--decoders", options.pool.decoders, "decoder processes (default: one for each core)")
      ->check(CLI::Range(1, 256));
  app.add_option("--face-model", options.pool.face_model_path,
                 "finds faces where the settings name none: YuNet (ONNX) or an OpenCV cascade (XML)")
      ->capture_default_str();
  app.add_option("--control-fd", arguments.control_fd, "speak the child protocol on this descriptor")
      ->check(CLI::Range(3, 65535));
}

void AddFolderCommand(CLI::App& app, Arguments& arguments, const std::string& name, const std::string& about,
                      const CLI::App*& command) {
  CLI::App* added = app.add_subcommand(name, about)->fallthrough();
  added->add_option("DIR", arguments.folder, "the folder of the chunks")->required();
  command = added;
}

// What the program cannot do without, where no command is named.
void RequireChunk(const CLI::App& app, const Arguments& arguments) {
  if (!app.get_subcommands().empty()) return;
  if (arguments.options.zip_path.empty()) throw CLI::RequiredError("ZIP");
  if (arguments.options.store.empty()) throw CLI::RequiredError("--out");
}

absl::Status LoadSettings(Arguments& arguments) {
  if (arguments.options.chunk.empty()) arguments.options.chunk = ChunkOf(arguments.options.zip_path);
  if (arguments.settings_path.empty()) return absl::OkStatus();
  ICPT_ASSIGN_OR_RETURN(const std::string text, ReadWholeFile(SystemFiles(), arguments.settings_path));
  ICPT_ASSIGN_OR_RETURN(arguments.options.settings, ParseRunSettings(text));
  return absl::OkStatus();
}

int CodeOf(const absl::Status& status) {
  if (status.ok()) return kDone;
  if (IsWrittenByNewer(status)) return kNewer;
  if (absl::IsNotFound(status)) return kNotFound;
  if (absl::IsUnavailable(status)) return kUnavailable;
  return kError;
}

int Report(const absl::Status& status) {
  if (!status.ok()) std::cerr << "interceptor-prepare: " << Printable(Message(status)) << "\n";
  return CodeOf(status);
}

// Prints the gate's table. FAILED_PRECONDITION when something must be repaired.
absl::Status RunAudit(const std::string& folder, const RunSettings& settings) {
  ICPT_ASSIGN_OR_RETURN(const FolderAudit audit, AuditFolder(folder, settings));
  std::cout << RenderAudit(audit);
  if (audit.Passed()) return absl::OkStatus();
  return FailedPrecondition(folder, " does not pass the gate; the list above says why");
}

// Prints hours and bytes of each chunk, and progress to stderr.
absl::Status RunEstimate(const std::string& folder, const PreparationSettings& settings,
                         const DecoderPoolOptions& pool) {
  const auto tell = [](const ChunkEstimate& chunk) {
    std::cerr << "chunk " << chunk.chunk << ": " << chunk.tried << " of " << chunk.clips << " clips tried\n";
  };
  ICPT_ASSIGN_OR_RETURN(const auto chunks, EstimateFolder(folder, settings, pool, tell));
  std::cout << RenderEstimate(chunks);
  for (const ChunkEstimate& chunk : chunks) ICPT_RETURN_IF_ERROR(chunk.verdict);
  return absl::OkStatus();
}

int RunForAgent(Arguments& arguments) {
  const StopSignals signals([](int) { stop_signal = true; });
  ChannelObserver observer(arguments.control_fd);
  const absl::Status settings = LoadSettings(arguments);
  const absl::StatusOr<PrepareSummary> result =
      settings.ok() ? PrepareChunk(arguments.options, observer) : absl::StatusOr<PrepareSummary>(settings);
  observer.Finish(result);
  if (observer.was_told_to_stop()) return kDone;
  if (!settings.ok() && absl::IsFailedPrecondition(settings)) return kNewer;
  return CodeOf(result.status());
}

int RunForPerson(Arguments& arguments) {
  if (const absl::Status status = LoadSettings(arguments); !status.ok()) {
    return std::max(Report(status), absl::IsFailedPrecondition(status) ? int{kNewer} : int{kDone});
  }
  const PreparationSettings& preparation = arguments.options.settings.preparation;
  const std::string_view notice = FaceModelNotice(
      preparation.face_model.empty() ? arguments.options.pool.face_model_path : preparation.face_model);
  if (arguments.audit->parsed() || arguments.estimate->parsed()) ShowNotice(notice);
  if (arguments.audit->parsed()) return Report(RunAudit(arguments.folder, arguments.options.settings));
  if (arguments.estimate->parsed()) {
    return Report(RunEstimate(arguments.folder, preparation, arguments.options.pool));
  }
  const StopSignals signals([](int) { stop_signal = true; });
  TerminalObserver observer(arguments.options.chunk, notice);
  const auto result = PrepareChunk(arguments.options, observer);
  observer.EndLine();
  if (!result.ok()) return Report(result.status());
  const auto mebibytes = [](int64_t bytes) { return Shown(static_cast<double>(bytes) / (1 << 20)); };
  std::cout << "chunk " << arguments.options.chunk
            << (result->reused ? ": already prepared, " : ": prepared, ") << result->clips << " clips of "
            << result->families << " families, " << result->quarantined << " quarantined; train "
            << mebibytes(result->train_bytes) << " MiB, keep " << mebibytes(result->keep_bytes) << " MiB\n"
            << "manifest " << result->manifest_path << " sha256 " << result->manifest.hex << "\n";
  return kDone;
}

int Main(int argc, char** argv) {
  SetProgramName("interceptor-prepare");
  CLI::App app{
      "Prepares one chunk: decodes every clip of the zip once into a clip store that all specialists share.\n"
      "Before that, two commands look at all chunks of a folder and change nothing.\n"
      "Examples:\n"
      "  interceptor-prepare audit data      does every chunk pass the data gate?\n"
      "  interceptor-prepare estimate data   how long will preparing take here, how large will it be?\n"
      "  interceptor-prepare 00.zip --out store\n"
      "Exit codes: 0 the store is complete (or the agent said stop), 1 error, 2 usage, 4 a file is not "
      "there, "
      "7 try again later, 78 written by a newer version."};
  Arguments arguments;
  AddOptions(app, arguments);
  AddFolderCommand(app, arguments, "audit", "The data gate alone, over a folder of chunks, as a table.",
                   arguments.audit);
  AddFolderCommand(app, arguments, "estimate",
                   "Hours and bytes of each chunk on this box, from a few of its clips.", arguments.estimate);
  app.failure_message([](const CLI::App*, const CLI::Error& error) {
    return std::string("interceptor-prepare: ") + error.what() + "; see interceptor-prepare --help\n";
  });
  try {
    app.parse(argc, argv);
    RequireChunk(app, arguments);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? kDone : kUsage;
  }
  return arguments.control_fd >= 0 ? RunForAgent(arguments) : RunForPerson(arguments);
}

}  // namespace
}  // namespace interceptor::worker

int main(int argc, char** argv) { return interceptor::worker::Main(argc, argv); }
