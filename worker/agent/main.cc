// interceptor-worker: one member's box. It holds the connection to the coordinator and supervises the
// programs that prepare and train.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <iostream>
#include <string>
#include <thread>

#include "common/base/ids.h"
#include "common/base/log.h"
#include "common/base/status.h"
#include "common/base/stop_signals.h"
#include "common/io/file_system.h"
#include "common/text/utf8.h"
#include "worker/agent/agent.h"

namespace interceptor::worker {
namespace {

enum ExitCode { kDone = 0, kError = 1, kUsage = 2 };

constexpr unsigned kThreadsMax = 256;  // as interceptor-train

void AddOptions(CLI::App& app, AgentOptions& options) {
  options.threads = static_cast<int>(std::clamp(std::thread::hardware_concurrency(), 1u, kThreadsMax));
  app.add_option("--coordinator", options.coordinator, "HOST:PORT of the coordinator")
      ->envname("INTERCEPTOR_COORDINATOR")
      ->required();
  app.add_option("--member", options.member, "whose box this is; a member's name in the plan")->required();
  app.add_option("--data", options.data, "folder of the chunks' zips; read only")->required();
  app.add_option("--work", options.work, "this worker's own folder: identity, runs, results")->required();
  app.add_option("--store", options.store,
                 "clip store, may be shared by workers of one machine (default: WORK/store)");
  app.add_option("--store-max", options.store_bytes_max,
                 "what the clips in the store may take, e.g. 60GiB; preparing waits until every run on this "
                 "box is past some chunk (default: what the disk has)")
      ->transform(CLI::AsSizeValue(false));
  app.add_option("--device", options.device, "auto, cpu or cuda:N")
      ->capture_default_str()
      ->check([](const std::string& text) {
        const bool cuda = text.starts_with("cuda:") && text.size() > 5 &&
                          text.find_first_not_of("0123456789", 5) == std::string::npos;
        return text == "auto" || text == "cpu" || cuda ? "" : "'" + text + "' is none of auto, cpu, cuda:N";
      });
  app.add_option("--threads", options.threads, "compute threads of the trainer")
      ->capture_default_str()
      ->check(CLI::Range(1u, kThreadsMax));
}

int Main(int argc, char** argv) {
  SetProgramName("interceptor-worker");
  CLI::App app(
      "Works for one member: prepares and trains what the coordinator grants, publishes checkpoints and "
      "scores, and\n"
      "goes on alone while the coordinator is away. SIGTERM, SIGINT or SIGHUP saves and leaves in order; a "
      "second SIGTERM or SIGINT hurries.\n"
      "Example: interceptor-worker --coordinator head:50051 --member member-1 --data /data/chunks --work "
      "/data/work\n"
      "Exit codes: 0 left in order, 1 error, 2 usage.");
  AgentOptions options;
  AddOptions(app, options);
  app.failure_message([](const CLI::App*, const CLI::Error& error) {
    return std::string("interceptor-worker: ") + error.what() + "; see interceptor-worker --help\n";
  });
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? kDone : kUsage;
  }
  if (const absl::Status status = ValidateName("--member", options.member); !status.ok()) {
    std::cerr << "interceptor-worker: " << Message(status) << "\n";
    return kUsage;
  }
  for (const std::string& path : {options.data, options.work, options.store}) {
    if (IsUtf8(path)) continue;  // paths travel to the children as JSON
    std::cerr
        << "interceptor-worker: the path of --data, --work or --store is not UTF-8; rename the folder\n";
    return kUsage;
  }
  if (options.store.empty()) options.store = JoinPath(options.work, "store");
  options.programs = OwnFolder();
  Agent agent(options);
  const StopSignals signals([&agent](int) { agent.Stop(); });
  const absl::Status status = agent.Run();
  if (status.ok()) return kDone;
  std::cerr << "interceptor-worker: " << Message(status) << "\n";
  return kError;
}

}  // namespace
}  // namespace interceptor::worker

int main(int argc, char** argv) { return interceptor::worker::Main(argc, argv); }
