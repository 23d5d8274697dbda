// Two promises about the simulator itself, and the day without a coordinator.
#include "tests/simulation/simulation.h"

#include <sstream>

#include "tests/support/catch.h"

namespace interceptor::simulation {
namespace {

std::string Explain(const Outcome& outcome) {
  std::ostringstream text;
  if (outcome.violation) text << outcome.violation->invariant << ": " << outcome.violation->text << "\n";
  for (const std::string& line : outcome.tail) text << line << "\n";
  return text.str();
}

CATCH_TEST_CASE("a seed gives the same trace each time, and another seed another one") {
  for (uint64_t seed = 1; seed <= 5; ++seed) {
    const Outcome once = Simulate(seed, Mutant::kNone, false);
    const Outcome again = Simulate(seed, Mutant::kNone, false);
    CATCH_INFO("seed " << seed);
    CATCH_CHECK(once.digest == again.digest);
    CATCH_CHECK(once.events == again.events);
    CATCH_CHECK(Simulate(seed + 1000, Mutant::kNone, false).digest != once.digest);
  }
}

CATCH_TEST_CASE(
    "a day without the coordinator costs no training, and everything is told once when it is back") {
  for (uint64_t seed = 1; seed <= 10; ++seed) {
    const Outcome outcome = SimulateDayWithoutCoordinator(seed, false);
    CATCH_INFO("seed " << seed << "\n" << Explain(outcome));
    CATCH_REQUIRE_FALSE(outcome.violation);
    // Nothing was trained twice, though nobody could be told of it for a day.
    CATCH_CHECK(outcome.repeated_steps == 0);
  }
}

}  // namespace
}  // namespace interceptor::simulation
