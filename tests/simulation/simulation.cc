#include "tests/simulation/simulation.h"

#include <algorithm>
#include <memory>

#include "common/base/status.h"
#include "coordinator/core/queries.h"
#include "coordinator/core/status_view.h"
#include "tests/simulation/cluster.h"
#include "tests/simulation/nemesis.h"

namespace interceptor::simulation {
namespace {

constexpr absl::Duration kStatusGap = absl::Seconds(60);
// Leases, handovers and uploads of a phase with faults are over by then.
constexpr absl::Duration kSettling = absl::Minutes(3);

// Runs until `until`, or until something is wrong or `done`.
template <typename Done>
void RunUntil(World& world, MonotonicTime until, Done done) {
  bool reached = false;
  world.After(until - world.now(), [&reached] { reached = true; });
  while (!reached && !world.violation() && !done() && world.Step()) {
  }
}

// A person looks every minute, and reads the checkpoints back.
void Look(Cluster& cluster) {
  cluster.Repair();
  cluster.coordinator.VerifyCheckpoints();
  if (cluster.coordinator.process().alive()) {
    const auto& state = cluster.coordinator.state();
    for (const std::string& problem :
         coordinator::BuildStatus(state, cluster.coordinator.machine().Now()).problems) {
      cluster.world.Tell("status", problem);
    }
  }
  cluster.world.After(kStatusGap, [&cluster] { Look(cluster); });
}

void CheckTheEnd(Cluster& cluster) {
  Checks& checks = cluster.coordinator.checks();
  const coordinator::Facts& facts = checks.journal.durable().facts;
  checks.facts.AtTheEnd(facts);
  for (const coordinator::PlanMember& member : cluster.options.plan.members) {
    for (const std::string& specialist : member.specialists) {
      const auto by_step = facts.checkpoints.find(specialist);
      if (by_step == facts.checkpoints.end() || by_step->second.empty()) {
        cluster.world.Violate("I18 what is committed is in the vault",
                              Cat(specialist, " has no checkpoint at the end"));
        return;
      }
      const coordinator::CheckpointFacts& last = by_step->second.rbegin()->second;
      const auto body = cluster.coordinator.vault().Read(last.checkpoint.blob);
      if (body.ok()) checks.ledger.AtTheEnd(specialist, (*body)->model);
    }
  }
}

Outcome Report(const World& world, Cluster& cluster) {
  const Checks& checks = cluster.coordinator.checks();
  return {.violation = world.violation(),
          .digest = world.trace().digest(),
          .tail = world.trace().tail(),
          .events = world.events_run(),
          .facts = std::ssize(checks.journal.history()),
          .steps = checks.ledger.steps(),
          .repeated_steps = checks.ledger.repeated(),
          .simulated = world.now().since_boot};
}

// Somebody sets the clock of some machine, a year ahead or back at most, again and again.
void JumpWalls(Cluster& cluster, const std::shared_ptr<Draws>& draws) {
  cluster.world.After(draws->Between(absl::Seconds(1), absl::Seconds(60)), [&cluster, draws] {
    const size_t number = draws->Below(cluster.boxes.size() + 1);
    Machine& machine = number == 0 ? cluster.coordinator.machine() : cluster.boxes[number - 1]->machine();
    machine.JumpWall(draws->Between(absl::Hours(-8766), absl::Hours(8766)));
    JumpWalls(cluster, draws);
  });
}

coordinator::Fact WithoutWallTimes(coordinator::Fact fact) {
  fact.at = absl::UnixEpoch();
  if (auto* saved = std::get_if<coordinator::CheckpointCommitted>(&fact.body))
    saved->checkpoint.committed_at = absl::UnixEpoch();
  if (auto* scored = std::get_if<coordinator::EvaluationRecorded>(&fact.body))
    scored->evaluation.recorded_at = absl::UnixEpoch();
  return fact;
}

// The cluster whose wall clocks jumped decided what the steady one decided.
void CompareFacts(Cluster& cluster, const std::vector<coordinator::Fact>& steady) {
  const std::vector<coordinator::Fact>& jumped = cluster.coordinator.checks().journal.history();
  for (size_t i = 0; i < std::max(steady.size(), jumped.size()); ++i) {
    const bool both = i < std::min(steady.size(), jumped.size());
    if (both && WithoutWallTimes(steady[i]) == WithoutWallTimes(jumped[i])) continue;
    const auto tell = [i](const std::vector<coordinator::Fact>& facts) -> std::string {
      if (i >= facts.size()) return "nothing";
      const coordinator::EventLine line = coordinator::Describe(facts[i].body);
      return Cat(line.kind, " ", line.subject, " ", line.text);
    };
    cluster.world.Violate(
        "I10 no decision depends on the wall clock",
        Cat("event ", i + 1, " is '", tell(jumped), "', with steady clocks '", tell(steady), "'"));
    return;
  }
}

// Everything is well from now on: the plan must finish, and then be at rest.
void Finish(World& world, Cluster& cluster) {
  cluster.Heal();
  Look(cluster);
  cluster.coordinator.checks().gaps.Calm(kSettling);
  // A plan that is done may have lost a checkpoint: it is found out before that counts.
  RunUntil(world, world.now() + kStatusGap, [] { return false; });
  const coordinator::Facts& facts = cluster.coordinator.checks().journal.durable().facts;
  RunUntil(world, world.now() + cluster.options.liveness, [&facts] { return facts.finished; });
  if (!facts.finished && !world.violation()) {
    std::string open;
    for (const auto& [task, state] : facts.tasks) {
      if (!state.done) open += Cat(" ", task, " at chunk ", state.next_chunk, " (", state.reason, ")");
    }
    world.Violate("liveness: the plan ends once all is well", Cat("open:", open));
  }
  // Removals are asked for again after a minute at most.
  RunUntil(world, world.now() + absl::Minutes(3), [] { return false; });
  if (!world.violation()) CheckTheEnd(cluster);
}

void Live(World& world, Cluster& cluster) {
  Nemesis nemesis(cluster);
  cluster.Begin();
  nemesis.Begin();
  if (cluster.options.faults.empty()) cluster.coordinator.checks().gaps.Calm(absl::ZeroDuration());
  RunUntil(world, world.now() + cluster.options.safety, [] { return false; });
  nemesis.Stop();
  if (!world.violation()) Finish(world, cluster);
}

}  // namespace

Outcome Simulate(uint64_t seed, Mutant mutant, bool print) {
  World world(seed, print);
  const Options options = DrawOptions(seed);
  Cluster cluster(world, options, mutant);
  Live(world, cluster);
  return Report(world, cluster);
}

Outcome SimulateWithWallJumps(uint64_t seed, Mutant mutant, bool print) {
  Options options = DrawOptions(seed);
  options.orphan_age = absl::InfiniteDuration();
  World steady_world(seed, false);
  Cluster steady(steady_world, options, mutant);
  Live(steady_world, steady);
  World world(seed, print);
  Cluster cluster(world, options, mutant);
  JumpWalls(cluster, std::make_shared<Draws>(seed, "wall jumps"));
  Live(world, cluster);
  CompareFacts(cluster, steady.coordinator.checks().journal.history());
  return Report(world, cluster);
}

Outcome SimulateDayWithoutCoordinator(uint64_t seed, bool print) {
  World world(seed, print);
  Options options = DrawOptions(seed);
  options.late_chunks = false;
  Cluster cluster(world, options, Mutant::kNone);
  cluster.Begin();
  const auto never = [] { return false; };
  // A chunk is trained on its committed manifest alone, and each is prepared while the one before is trained.
  const coordinator::Facts& facts = cluster.coordinator.checks().journal.durable().facts;
  const auto all_known = [&facts, &options] {
    const auto known = [&facts](const coordinator::PlanChunk& chunk) {
      const auto found = facts.chunks.find(chunk.name);
      return found != facts.chunks.end() && found->second.manifest.has_value();
    };
    return std::all_of(options.plan.chunks.begin(), options.plan.chunks.end(), known);
  };
  RunUntil(world, world.now() + absl::Hours(1), all_known);
  // The last manifest is told to everyone.
  RunUntil(world, world.now() + absl::Seconds(10), never);
  cluster.coordinator.Kill(true, absl::Hours(24));
  RunUntil(world, world.now() + absl::Hours(23), never);
  const int64_t due = options.steps() * std::ssize(cluster.coordinator.state().soft.index.tasks);
  const int64_t trained = cluster.coordinator.checks().ledger.steps();
  // Every task but the integrating one is a run.
  if (!world.violation() && trained != due - options.steps()) {
    world.Violate("a day without the coordinator costs no training",
                  Cat(trained, " of ", due - options.steps(), " steps were trained meanwhile"));
  }
  RunUntil(world, world.now() + absl::Hours(1), never);
  if (!world.violation()) Finish(world, cluster);
  return Report(world, cluster);
}

}  // namespace interceptor::simulation
