#include "tests/simulation/options.h"

#include <array>

#include "common/base/digest.h"
#include "common/base/status.h"

namespace interceptor::simulation {
namespace {

constexpr std::array<std::string_view, kFaultKinds> kNames = {"coordinator-kill",
                                                              "coordinator-power",
                                                              "coordinator-stop",
                                                              "coordinator-pause",
                                                              "sync-failure",
                                                              "slow-disk",
                                                              "disk-full",
                                                              "maintenance",
                                                              "coordinator-wall",
                                                              "vault-damage",
                                                              "agent-kill",
                                                              "agent-stop",
                                                              "agent-pause",
                                                              "box-power",
                                                              "box-wall",
                                                              "box-full",
                                                              "trainer-kill",
                                                              "trainer-pause",
                                                              "preparer-kill",
                                                              "store-loss",
                                                              "partition",
                                                              "half-open",
                                                              "reset",
                                                              "slow-link",
                                                              "pause-plan",
                                                              "drain",
                                                              "pin",
                                                              "impostor",
                                                              "wrong-zip"};

coordinator::PlanFacts DrawPlan(uint64_t seed, Draws& draws) {
  coordinator::PlanFacts plan;
  plan.name = "simulated";
  plan.digest = DigestOf(Cat("plan of seed ", seed)).hex;
  const std::vector<std::vector<std::string>> pairs = {{"BG", "AV"}, {"CM", "RR"}, {"LL", "TM"}};
  const int64_t members = draws.Between(2, 3);
  for (int64_t i = 0; i < members; ++i) {
    plan.members.push_back({Cat("member-", i + 1), pairs[static_cast<size_t>(i)], false});
  }
  plan.members.push_back({"member-4", {}, true});
  const int64_t chunks = draws.Between(2, 4);
  for (int64_t i = 0; i < chunks; ++i) plan.chunks.push_back({Cat("0", i), ""});
  if (draws.Chance(0.3)) plan.chunks[0].sha256 = ZipDigest("00");
  plan.lease_ttl = absl::Seconds(draws.Between(6, 20));
  plan.handover = absl::Seconds(draws.Between(20, 90));
  plan.stall = absl::Seconds(draws.Between(60, 120));
  plan.checkpoint_period = absl::Seconds(draws.Between(8, 40));
  plan.keep_latest = 2;
  plan.vault_bytes_max = int64_t{200} * 1'000'000;
  return plan;
}

Timing DrawTiming(Draws& draws) {
  return {.tick = absl::Milliseconds(draws.Between(250, 1000)),
          .step = absl::Milliseconds(draws.Between(500, 2000)),
          .startup = absl::Milliseconds(draws.Between(300, 4000)),
          .save = absl::Milliseconds(draws.Between(100, 3000)),
          .evaluation = absl::Milliseconds(draws.Between(500, 5000)),
          .prepare = absl::Milliseconds(draws.Between(2000, 30'000)),
          .hash = absl::Milliseconds(draws.Between(500, 5000)),
          .recovery_period = absl::Seconds(draws.Between(4, 15))};
}

}  // namespace

std::string_view ToString(FaultKind kind) { return kNames[static_cast<size_t>(kind)]; }

std::string ZipDigest(const std::string& chunk) { return DigestOf(Cat("zip ", chunk)).hex; }

Options DrawOptions(uint64_t seed) {
  Draws draws(seed, "options");
  Options options;
  options.seed = seed;
  options.plan = DrawPlan(seed, draws);
  options.timing = DrawTiming(draws);
  options.epochs = static_cast<int>(draws.Between(1, 2));
  options.epoch_batches = draws.Between(6, 14);
  options.rounding_period = static_cast<int>(draws.Between(2, 5));
  options.evaluate_every_steps = options.rounding_period + 2;
  options.late_chunks = draws.Chance(0.4);
  options.safety = draws.Between(absl::Seconds(200), absl::Seconds(900));
  options.fault_gap = draws.Between(absl::Seconds(3), absl::Seconds(60));
  // One seed in ten is calm: what goes wrong there needs no fault at all.
  const double share = draws.Chance(0.1) ? 0 : 0.15 + 0.6 * draws.Uniform();
  for (int kind = 0; kind < kFaultKinds; ++kind) {
    if (draws.Chance(share)) options.faults.push_back(static_cast<FaultKind>(kind));
  }
  return options;
}

}  // namespace interceptor::simulation
