// interceptor-sim: runs the whole cluster under faults, seed by seed, and says which rule a seed breaks.
#include <unistd.h>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <optional>
#include <string>

#include <CLI/CLI.hpp>

#include "common/base/clock.h"
#include "common/base/status.h"
#include "tests/simulation/simulation.h"

namespace interceptor::simulation {
namespace {

// Every so many seeds are lived through twice more, to see that wall clocks change nothing.
constexpr uint64_t kWallJumpsEvery = 20;
constexpr int kExitViolation = 1;
constexpr int kExitUsage = 2;

struct Arguments {
  std::string seeds = "1..100";
  std::optional<uint64_t> seed;
  std::string mutant;
  bool trace = false;
  bool day = false;
  bool all_mutants = false;
};

// A broken ICPT_CHECK of the code under test aborts the process; the seed must be known all the same.
char abort_note[160];

void OnAbort(int) {
  const ssize_t written = write(STDERR_FILENO, abort_note, std::strlen(abort_note));
  (void)written;
}

std::string ReplayCommand(uint64_t seed, const Arguments& arguments) {
  std::string command = Cat("interceptor-sim --seed ", seed, " --trace");
  if (!arguments.mutant.empty()) command += " --mutant " + arguments.mutant;
  if (arguments.day) command += " --day";
  return command;
}

Outcome RunSeed(uint64_t seed, const Arguments& arguments, Mutant mutant) {
  std::snprintf(abort_note, sizeof abort_note, "the code under test aborted; replay: %s\n",
                ReplayCommand(seed, arguments).c_str());
  if (arguments.day) return SimulateDayWithoutCoordinator(seed, arguments.trace);
  Outcome outcome = Simulate(seed, mutant, arguments.trace);
  if (outcome.violation || seed % kWallJumpsEvery != 0) return outcome;
  return SimulateWithWallJumps(seed, mutant, arguments.trace);
}

void PrintViolation(uint64_t seed, const Outcome& outcome, const Arguments& arguments) {
  if (!arguments.trace) {
    std::printf("\n");
    for (const std::string& line : outcome.tail) std::printf("  %s\n", line.c_str());
  }
  std::printf("seed %llu broke '%s': %s\nreplay: %s\n", static_cast<unsigned long long>(seed),
              outcome.violation->invariant.c_str(), outcome.violation->text.c_str(),
              ReplayCommand(seed, arguments).c_str());
}

struct Totals {
  int64_t seeds = 0;
  int64_t events = 0;
  int64_t facts = 0;
  int64_t steps = 0;
  int64_t repeated_steps = 0;
  double simulated_hours = 0;

  void Add(const Outcome& outcome) {
    ++seeds;
    events += outcome.events;
    facts += outcome.facts;
    steps += outcome.steps;
    repeated_steps += outcome.repeated_steps;
    simulated_hours += absl::ToDoubleHours(outcome.simulated);
  }
};

// The first seed of the range that breaks a rule; nothing when none does.
std::optional<uint64_t> RunRange(uint64_t first, uint64_t last, const Arguments& arguments, Mutant mutant,
                                 Totals& totals, Outcome& broken) {
  const bool terminal = isatty(STDOUT_FILENO) == 1;
  for (uint64_t seed = first; seed <= last; ++seed) {
    Outcome outcome = RunSeed(seed, arguments, mutant);
    totals.Add(outcome);
    if (outcome.violation) {
      broken = std::move(outcome);
      return seed;
    }
    if (terminal && !arguments.trace && (seed % 10 == 0 || seed == last)) {
      std::printf("\rseed %llu of %llu..%llu", static_cast<unsigned long long>(seed),
                  static_cast<unsigned long long>(first), static_cast<unsigned long long>(last));
      std::fflush(stdout);
    }
  }
  if (terminal && !arguments.trace) std::printf("\n");
  return std::nullopt;
}

bool ParseRange(const std::string& text, uint64_t& first, uint64_t& last) {
  char rest = 0;
  unsigned long long a = 0;
  unsigned long long b = 0;
  if (std::sscanf(text.c_str(), "%llu..%llu%c", &a, &b, &rest) != 2 || a > b) return false;
  first = a;
  last = b;
  return true;
}

// Every mutant until the first seed that catches it.
int RunAllMutants(uint64_t first, uint64_t last, Arguments arguments) {
  int missed = 0;
  std::printf("%-24s %6s  %s\n", "mutant", "seed", "caught by");
  for (const MutantName& each : AllMutants()) {
    arguments.mutant = each.name;
    Totals totals;
    Outcome broken;
    const auto seed = RunRange(first, last, arguments, each.mutant, totals, broken);
    if (seed) {
      std::printf("%-24s %6llu  %s\n", arguments.mutant.c_str(), static_cast<unsigned long long>(*seed),
                  broken.violation->invariant.c_str());
    } else {
      std::printf("%-24s %6s  nothing\n", arguments.mutant.c_str(), "-");
      ++missed;
    }
    std::fflush(stdout);
  }
  return missed == 0 ? 0 : kExitViolation;
}

int Run(const Arguments& arguments) {
  uint64_t first = arguments.seed.value_or(0);
  uint64_t last = first;
  if (!arguments.seed && !ParseRange(arguments.seeds, first, last)) {
    std::fprintf(stderr, "interceptor-sim: --seeds is '%s', allowed: A..B\n", arguments.seeds.c_str());
    return kExitUsage;
  }
  if (arguments.all_mutants) return RunAllMutants(first, last, arguments);
  Mutant mutant = Mutant::kNone;
  if (!arguments.mutant.empty()) {
    const std::optional<Mutant> named = ParseMutant(arguments.mutant);
    if (!named) {
      std::fprintf(stderr, "interceptor-sim: there is no mutant '%s'; see --help\n",
                   arguments.mutant.c_str());
      return kExitUsage;
    }
    mutant = *named;
  }
  const MonotonicTime begin = SystemClock().Now();
  Totals totals;
  Outcome broken;
  const auto seed = RunRange(first, last, arguments, mutant, totals, broken);
  if (seed) PrintViolation(*seed, broken, arguments);
  std::printf(
      "%lld seeds, %lld events, %lld facts, %lld steps (%lld taken again), %.1f simulated hours in %.1f s: "
      "%s\n",
      static_cast<long long>(totals.seeds), static_cast<long long>(totals.events),
      static_cast<long long>(totals.facts), static_cast<long long>(totals.steps),
      static_cast<long long>(totals.repeated_steps), totals.simulated_hours,
      absl::ToDoubleSeconds(SystemClock().Now() - begin), seed ? "a rule was broken" : "no violation");
  return seed ? kExitViolation : 0;
}

std::string Help() {
  std::string text =
      "Runs the real coordinator core and worker session under simulated network, disks, clocks and people.\n"
      "Everything is drawn from the seed; a seed gives the same trace each time.\n\n"
      "Examples:\n"
      "  interceptor-sim --seeds 1..2000\n"
      "  interceptor-sim --seed 17 --trace\n"
      "  interceptor-sim --seeds 1..2000 --mutant term-unchecked\n"
      "  interceptor-sim --seeds 1..2000 --all-mutants\n\n"
      "Exit code 0: no rule was broken; 1: one was; 2: wrong usage. With --all-mutants 0 when each was "
      "caught.\n\n"
      "Mutants:";
  for (const MutantName& each : AllMutants()) text.append(" ").append(each.name);
  return text;
}

}  // namespace
}  // namespace interceptor::simulation

int main(int argc, char** argv) {
  using namespace interceptor::simulation;
  Arguments arguments;
  CLI::App app(Help());
  app.add_option("--seeds", arguments.seeds, "A..B, the seeds to run")->capture_default_str();
  app.add_option("--seed", arguments.seed, "one seed instead");
  app.add_flag("--trace", arguments.trace, "print everything that happens");
  app.add_option("--mutant", arguments.mutant, "run with a named defect");
  app.add_flag("--all-mutants", arguments.all_mutants, "find for each mutant the first seed that catches it");
  app.add_flag("--day", arguments.day, "the coordinator is away for a day instead of the drawn faults");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  std::signal(SIGABRT, OnAbort);
  return Run(arguments);
}
