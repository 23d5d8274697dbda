// Everything of one run: the coordinator, one box a member, a second box that claims a member's name, people.
#pragma once

#include <memory>
#include <vector>

#include "tests/simulation/box.h"
#include "tests/simulation/coordinator_host.h"
#include "tests/simulation/people.h"

namespace interceptor::simulation {

struct Cluster {
  Cluster(World& world, const Options& options, Mutant mutant);

  // Zips are on their way, everyone is started.
  void Begin();
  // Nothing is in the way any more: people fix what needs a person, and go on.
  void Heal();
  // A person looks at status: repairs stores that differ, resumes runs that were paused for a reason that is
  // gone, starts workers that left when they were asked to.
  void Repair();

  World& world;
  const Options& options;
  CoordinatorHost coordinator;
  People people;
  std::vector<std::unique_ptr<Box>> boxes;  // one a member, in the plan's order
  std::unique_ptr<Box> impostor;            // claims the first member's name; not started by Begin
};

}  // namespace interceptor::simulation
