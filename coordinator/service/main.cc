// interceptor-coordinator: owns the plan, on the head node.
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <iostream>

#include "absl/synchronization/mutex.h"
#include "common/base/log.h"
#include "common/base/status.h"
#include "common/base/steady_wait.h"
#include "common/base/stop_signals.h"
#include "common/io/atomic_file.h"
#include "common/io/supervisor.h"
#include "common/plan/plan.h"
#include "coordinator/journal/event_log.h"
#include "coordinator/service/coordinator.h"

namespace interceptor::coordinator {
namespace {

constexpr absl::Duration kGrace = absl::Seconds(3);

constexpr char kFooter[] = R"(
Example:
  interceptor-coordinator --plan deploy/plans/master.txtpb --state /var/lib/interceptor --listen 127.0.0.1:50051

Prints `listening on HOST:PORT` on stdout once it serves; SIGTERM, SIGINT or SIGHUP ends it in order, a second SIGTERM
or SIGINT at once.
Exit codes: 0 ended in order, 1 error, 2 usage, 4 plan not found, 7 address in use, 78 state folder written by a
newer version.)";

int ExitCode(const absl::Status& status) {
  if (IsNewerVersion(status)) return 78;
  if (absl::IsNotFound(status)) return 4;
  if (absl::IsUnavailable(status)) return 7;
  return 1;
}

struct Arguments {
  std::string plan;
  std::string state;
  std::string listen = "127.0.0.1:50051";
  bool insecure_listen = false;
};

absl::StatusOr<std::unique_ptr<Coordinator>> Begin(const Arguments& arguments) {
  ICPT_ASSIGN_OR_RETURN(v1::Plan plan, LoadPlan(SystemFiles(), arguments.plan));
  ICPT_ASSIGN_OR_RETURN(std::string text, ReadWholeFile(SystemFiles(), arguments.plan));
  const auto beyond = arguments.insecure_listen ? BeyondLoopback::kAllowInsecure : BeyondLoopback::kRefuse;
  return Coordinator::Start({.plan = std::move(plan),
                             .plan_text = std::move(text),
                             .state_folder = arguments.state,
                             .listen = arguments.listen,
                             .beyond_loopback = beyond});
}

// Waits for a stop signal. Meanwhile tells a supervisor that asked for it that the loop goes round: one that
// hangs on its disk is to be restarted.
void Await(SteadyNotification& stop, const Coordinator& coordinator) {
  const absl::Duration watchdog = WatchdogInterval().value_or(absl::Hours(1));
  while (!stop.Await(watchdog / 3)) {
    if (SystemClock().Now() - coordinator.last_sign_of_life() < watchdog) NotifySupervisor("WATCHDOG=1");
  }
}

int Run(const Arguments& arguments) {
  SteadyNotification stop;
  const StopSignals signals([&stop](int number) {
    if (stop.HasBeenNotified()) _exit(1);
    ICPT_LOG(kInfo) << "leaving after signal " << number;
    stop.Notify();
  });

  absl::StatusOr<std::unique_ptr<Coordinator>> coordinator = Begin(arguments);
  if (!coordinator.ok()) {
    std::cerr << "interceptor-coordinator: " << Message(coordinator.status()) << std::endl;
    return ExitCode(coordinator.status());
  }
  std::cout << "listening on " << (*coordinator)->address() << std::endl;
  if (arguments.insecure_listen) {
    ICPT_LOG(kWarning) << "INSECURE: whoever reaches " << (*coordinator)->address() << " can do anything";
  }
  NotifySupervisor("READY=1");
  Await(stop, **coordinator);
  NotifySupervisor("STOPPING=1");
  (*coordinator)->Stop(kGrace);
  return 0;
}

}  // namespace
}  // namespace interceptor::coordinator

int main(int argc, char** argv) {
#ifdef NDEBUG
  // Debian's Abseil looks for lock cycles at every lock, gRPC's included: a tenth of what a busy coordinator does.
  absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);
#endif
  interceptor::SetProgramName("coordinator");
  interceptor::coordinator::Arguments arguments;
  CLI::App app("Owns the plan: keeps its facts, grants its tasks, holds its checkpoints.");
  app.footer(interceptor::coordinator::kFooter);
  app.add_option("--plan", arguments.plan, "plan file, *.txtpb")->required();
  app.add_option("--state", arguments.state, "folder of journal and vault; made when absent")->required();
  app.add_option("--listen", arguments.listen, "HOST:PORT or unix:PATH; port 0 picks one")
      ->capture_default_str();
  app.add_flag("--insecure-listen", arguments.insecure_listen,
               "allow an address that other machines can reach, without authentication");
  app.failure_message([](const CLI::App*, const CLI::Error& error) {
    return std::string("interceptor-coordinator: ") + error.what() + "; see interceptor-coordinator --help\n";
  });
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  return interceptor::coordinator::Run(arguments);
}
