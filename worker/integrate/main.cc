// interceptor-integrate: the specialists' score tables of one chunk become one table of results. Under an agent
// it speaks docs/child-protocol.md on the descriptor that --control-fd names; alone it shows its progress on
// the terminal.
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <atomic>
#include <iostream>
#include <optional>
#include <utility>

#include "common/base/log.h"
#include "common/base/status.h"
#include "common/base/stop_signals.h"
#include "common/io/atomic_file.h"
#include "common/io/line_channel.h"
#include "worker/child_protocol/codec.h"
#include "worker/integrate/round.h"
#include "worker/store/settings.h"

namespace interceptor::worker {
namespace {

enum ExitCode { kDone = 0, kError = 1, kUsage = 2, kNotFound = 4 };

// Who follows the work: an agent, or a person.
class Audience {
 public:
  // `control_fd` leads to the agent; below 0 a person looks on.
  explicit Audience(int control_fd) {
    if (control_fd < 0) return;
    agent_.emplace(control_fd);
    Emit(HelloEvent{.program = "interceptor-integrate", .pid = getpid()});
  }

  void OnProgress(const RoundResults& so_far, size_t total) {
    if (agent_) {
      return Emit(IntegratorProgressEvent{.done = std::ssize(so_far.specialists),
                                          .total = static_cast<int64_t>(total)});
    }
    if (std::exchange(shown_, so_far.specialists.size()) == so_far.specialists.size()) return;
    const SpecialistResult& last = so_far.specialists.back();
    std::cerr << so_far.specialists.size() << "/" << total << " " << last.specialist << ": AUC " << last.auc
              << " [" << last.auc_low << ", " << last.auc_high << "]" << (last.too_few ? " (too few)" : "")
              << "\n";
  }

  // An agent's only command is "stop"; a closed channel says the same.
  bool WantsEnd() {
    if (!agent_) return false;
    const absl::StatusOr<ChannelInput> input = agent_->TryReceive();
    stopped_ = stopped_ || !input.ok() || input->kind != ChannelInput::Kind::kNothing;
    return stopped_;
  }

  void OnEnd(const absl::StatusOr<RoundResults>& results) {
    if (agent_ && results.ok()) {
      Emit(JoinedEvent{.specialists = std::ssize(results->specialists),
                       .absent = std::ssize(results->absent)});
    } else if (agent_ && !stopped_) {
      Emit(FailedEvent{{results.status().code(), Message(results.status()), true}});
    } else if (!agent_ && results.ok()) {
      const std::string absent = DescribeAbsent(results->absent);
      std::cout << "round " << results->chunk_name << ": joined " << results->specialists.size()
                << " specialists" << (absent.empty() ? "" : ", ") << absent << "\n"
                << DescribeFusion(results->fusion.value_or(RoundFusion())) << "\n";
      if (results->bundle) std::cout << "bundle " << results->bundle->hex << "\n";
    } else if (!agent_) {
      std::cerr << "interceptor-integrate: " << Message(results.status()) << "\n";
    }
  }

 private:
  void Emit(const IntegratorEvent& event) {
    if (!agent_->Send(ToJson(event)).ok()) stopped_ = true;
  }

  std::optional<LineChannel> agent_;
  size_t shown_ = 0;  // specialists, to a person
  bool stopped_ = false;
};

struct Arguments {
  JoinOptions join;
  std::vector<std::string> absent;  // NAME=REASON
  BundleOptions bundle;
  std::string settings;                  // path
  std::vector<std::string> checkpoints;  // NAME=FILE
  int control_fd = -1;
};

std::string CheckAssignment(const std::string& text) {
  return text.find('=') == std::string::npos ? "'" + text + "' has no '='" : "";
}

void AddBundleOptions(CLI::App& app, Arguments& arguments) {
  CLI::Option* bundle =
      app.add_option("--bundle", arguments.bundle.folder,
                     "make the round's detector of its checkpoints: a new folder for interceptor-detect");
  app.add_option("--settings", arguments.settings, "run.json of the runs")->needs(bundle);
  app.add_option("--checkpoint", arguments.checkpoints,
                 "NAME=FILE: what the specialist's table was scored by, once for each")
      ->check(CheckAssignment)
      ->needs(bundle);
  app.add_option("--face-model", arguments.bundle.face_model, "the file that the settings name")
      ->needs(bundle);
  app.add_option("--trained-on", arguments.bundle.trained_on,
                 "what the clips are, for who reads a verdict: synthetic")
      ->needs(bundle);
}

void AddOptions(CLI::App& app, Arguments& arguments) {
  app.add_option("TABLES", arguments.join.tables,
                 "folder of held-out score tables, CHUNK-SPECIALIST.csv; the fusion is fitted on "
                 "look_ahead-CHUNK-SPECIALIST.csv too")
      ->required();
  app.add_option("--chunk", arguments.join.chunk, "name of the chunk after which they were made")->required();
  app.add_option("--out", arguments.join.results,
                 "folder for round-CHUNK.csv and .json, report-CHUNK.html and .json")
      ->required();
  app.add_option("--index", arguments.join.index, "the chunk's place in the plan, from 0");
  app.add_option("--seed", arguments.join.seed, "the plan's; intervals depend on it")->capture_default_str();
  app.add_option("--specialist", arguments.join.specialists,
                 "one that takes part, once for each (default: all whose table is there)");
  app.add_option("--absent", arguments.absent, "NAME=REASON: one that takes no part, and why")
      ->check(CheckAssignment);
  AddBundleOptions(app, arguments);
  app.add_option("--control-fd", arguments.control_fd, "speak the child protocol on this descriptor")
      ->check(CLI::Range(3, 65535));
}

std::pair<std::string, std::string> SplitAssignment(const std::string& text) {
  const size_t split = text.find('=');
  return {text.substr(0, split), text.substr(split + 1)};
}

absl::StatusOr<BundleOptions> ReadBundleOptions(const Arguments& arguments) {
  BundleOptions bundle = arguments.bundle;
  if (arguments.settings.empty()) return InvalidArgument("--bundle needs --settings, the runs' run.json");
  ICPT_ASSIGN_OR_RETURN(const std::string json, ReadWholeFile(SystemFiles(), arguments.settings));
  auto settings = ParseRunSettings(json);
  if (!settings.ok()) return Annotate(settings.status(), arguments.settings);
  bundle.settings = *std::move(settings);
  for (const std::string& each : arguments.checkpoints) {
    const auto [name, path] = SplitAssignment(each);
    const auto specialist = ParseSpecialist(name);
    if (!specialist)
      return InvalidArgument("--checkpoint ", each, ": '", name, "' is none of BG, AV, CM, RR, LL, TM");
    if (!bundle.checkpoints.emplace(*specialist, path).second) {
      return InvalidArgument("--checkpoint ", name, " is given twice");
    }
  }
  return bundle;
}

absl::StatusOr<RoundResults> Join(Arguments& arguments, Audience& audience) {
  std::atomic<bool> stop_signal = false;
  const StopSignals signals([&stop_signal](int) { stop_signal = true; });
  JoinOptions& join = arguments.join;
  for (const std::string& each : arguments.absent) {
    const auto [name, reason] = SplitAssignment(each);
    join.absent.push_back({name, reason});
  }
  if (!arguments.bundle.folder.empty()) {
    ICPT_ASSIGN_OR_RETURN(join.bundle, ReadBundleOptions(arguments));
  }
  if (join.specialists.empty() && join.absent.empty()) {
    ICPT_RETURN_IF_ERROR(FindSpecialists(SystemFiles(), join));
  }
  return JoinRound(SystemFiles(), join, [&](const RoundResults& so_far) {
    audience.OnProgress(so_far, join.specialists.size());
    return !audience.WantsEnd() && !stop_signal;
  });
}

int Main(int argc, char** argv) {
  SetProgramName("interceptor-integrate");
  CLI::App app(
      "Joins one round: judges the specialists' score tables of one chunk anew, side by side.\n"
      "Example: interceptor-integrate work/results/tables --chunk 03 --out work/results\n"
      "With its detector: ... --bundle detector --settings run.json --checkpoint "
      "BG=BG-step-000400.safetensors ...\n"
      "Exit codes: 0 the table is written (or the agent said stop), 1 error, 2 usage, 4 a table is not "
      "there.");
  Arguments arguments;
  AddOptions(app, arguments);
  app.failure_message([](const CLI::App*, const CLI::Error& error) {
    return std::string("interceptor-integrate: ") + error.what() + "; see interceptor-integrate --help\n";
  });
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? kDone : kUsage;
  }
  Audience audience(arguments.control_fd);
  const absl::StatusOr<RoundResults> results = Join(arguments, audience);
  audience.OnEnd(results);
  if (results.ok() || audience.WantsEnd()) return kDone;
  return absl::IsNotFound(results.status()) ? kNotFound : kError;
}

}  // namespace
}  // namespace interceptor::worker

int main(int argc, char** argv) { return interceptor::worker::Main(argc, argv); }
