#include "tests/simulation/cluster.h"

#include "common/base/status.h"

namespace interceptor::simulation {
namespace {

void SendZips(Box& box, const Options& options, Draws draws) {
  absl::Duration after = absl::ZeroDuration();
  for (const coordinator::PlanChunk& chunk : options.plan.chunks) {
    box.Arrive(chunk.name, after);
    if (options.late_chunks) after += draws.Between(absl::ZeroDuration(), options.safety / 4);
  }
}

}  // namespace

Cluster::Cluster(World& world, const Options& options, Mutant mutant)
    : world(world),
      options(options),
      coordinator(world, options, mutant),
      people(world, options, coordinator) {
  uint64_t number = 0;
  for (const coordinator::PlanMember& member : options.plan.members) {
    ++number;
    boxes.push_back(std::make_unique<Box>(world, options, coordinator,
                                          Box::Setup{Cat("box-", number), member.name, number}));
  }
  impostor = std::make_unique<Box>(world, options, coordinator,
                                   Box::Setup{"other-box", options.plan.members[0].name, 99});
}

void Cluster::Begin() {
  coordinator.Start();
  Draws draws(options.seed, "beginning");
  for (size_t i = 0; i < boxes.size(); ++i) {
    SendZips(*boxes[i], options, Draws(options.seed, "zips", i));
    world.After(draws.Between(absl::ZeroDuration(), absl::Seconds(20)),
                [box = boxes[i].get()] { box->Start(); });
  }
  SendZips(*impostor, options, Draws(options.seed, "zips", 99));
}

void Cluster::Heal() {
  world.Tell("world", "heals");
  coordinator.SetSlowDisk(false);
  coordinator.EmptyDisk();
  coordinator.process().Resume();
  coordinator.Start();
  impostor->Retire();
  const auto& known = coordinator.checks().journal.durable().facts.chunks;
  for (const std::unique_ptr<Box>& box : boxes) {
    for (const coordinator::PlanChunk& chunk : options.plan.chunks) {
      const auto facts = known.find(chunk.name);
      const bool fixed = facts != known.end() && !facts->second.sha256.empty();
      box->MendZip(chunk.name, fixed ? facts->second.sha256 : ZipDigest(chunk.name));
    }
    box->Heal();
  }
  people.UnpinAll();
  people.Resume();
  Repair();
}

void Cluster::Repair() {
  const coordinator::Facts& facts = coordinator.checks().journal.durable().facts;
  bool paused = facts.paused;
  for (const auto& [task, state] : facts.tasks) paused = paused || state.paused;
  for (const std::unique_ptr<Box>& box : boxes) {
    for (const auto& [name, chunk] : facts.chunks) {
      if (chunk.manifest) box->MendStore(name, chunk.manifest->blob);
    }
    box->Start();
  }
  if (paused) people.Resume();
}

}  // namespace interceptor::simulation
