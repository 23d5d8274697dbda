#include "tests/simulation/nemesis.h"

#include <algorithm>
#include <utility>

#include "common/base/status.h"
#include "coordinator/core/queries.h"

namespace interceptor::simulation {

Nemesis::Nemesis(Cluster& cluster)
    : cluster_(cluster), world_(cluster.world), draws_(cluster.options.seed, "nemesis") {}

void Nemesis::Begin() {
  if (!cluster_.options.faults.empty()) Next();
}

void Nemesis::Next() {
  const absl::Duration gap = cluster_.options.fault_gap;
  world_.After(draws_.Between(absl::Milliseconds(10), 2 * gap), [this] {
    if (stopped_) return;
    const FaultKind kind = draws_.Pick(cluster_.options.faults);
    world_.Tell("fault", ToString(kind));
    Strike(kind);
    Next();
  });
}

void Nemesis::Later(absl::Duration after, std::function<void()> run) {
  world_.After(after, [this, run = std::move(run)] {
    if (!stopped_) run();
  });
}

absl::Duration Nemesis::Outage() {
  if (draws_.Chance(0.7)) return Short();
  return draws_.Between(absl::Seconds(10), cluster_.options.plan.handover * 2 + absl::Seconds(40));
}

Box& Nemesis::AnyBox() {
  const size_t number = draws_.Below(cluster_.boxes.size() + 1);
  if (number == cluster_.boxes.size() && cluster_.impostor->agent().process().alive())
    return *cluster_.impostor;
  return *cluster_.boxes[number % cluster_.boxes.size()];
}

void Nemesis::Strike(FaultKind kind) {
  if (kind <= FaultKind::kVaultDamage) return StrikeCoordinator(kind);
  if (kind >= FaultKind::kPausePlan) return StrikePeople(kind);
  Box& box = AnyBox();
  if (kind == FaultKind::kTrainerKill || kind == FaultKind::kTrainerPause ||
      kind == FaultKind::kPreparerKill) {
    return StrikeChild(kind, box);
  }
  StrikeBox(kind, box);
}

void Nemesis::StrikeCoordinator(FaultKind kind) {
  CoordinatorHost& coordinator = cluster_.coordinator;
  switch (kind) {
    case FaultKind::kCoordinatorKill:
      if (draws_.Chance(0.5)) return coordinator.Kill(false, Outage());
      return coordinator.DieWhileReleasing(static_cast<int>(draws_.Below(6)), Short());
    case FaultKind::kCoordinatorPower:
      return coordinator.Kill(true, Outage());
    case FaultKind::kCoordinatorStop:
      return coordinator.StopInOrder(Short());
    case FaultKind::kCoordinatorPause: {
      Process& process = coordinator.process();
      process.Pause();
      return Later(Outage(), [&process] { process.Resume(); });
    }
    case FaultKind::kSyncFailure:
      return coordinator.FailNextSync(Short());
    case FaultKind::kSlowDisk:
      coordinator.SetSlowDisk(true);
      return Later(draws_.Between(absl::Seconds(5), absl::Seconds(60)),
                   [&coordinator] { coordinator.SetSlowDisk(false); });
    case FaultKind::kDiskFull:
      coordinator.FillDisk(draws_.Pick<int64_t>({0, 0, 200, 5'000, 2'000'000, 50'000'000}));
      return Later(Outage(), [&coordinator] { coordinator.EmptyDisk(); });
    case FaultKind::kMaintenance:
      return coordinator.Maintain();
    case FaultKind::kCoordinatorWall:
      return coordinator.machine().JumpWall(draws_.Between(absl::Hours(-48), absl::Hours(48)));
    case FaultKind::kVaultDamage:
      return DamageVault();
    default:
      return;
  }
}

// Flips or takes a checkpoint's blob, the newest one's too, and leaves the specialist a good one; or takes a
// blob that nothing names yet.
void Nemesis::DamageVault() {
  CoordinatorHost& coordinator = cluster_.coordinator;
  // What is decided and not durable yet has been looked at already.
  const coordinator::Facts& facts = coordinator.state().facts;
  for (const auto& [specialist, by_step] : facts.checkpoints) {
    std::vector<Digest> good;
    bool unnoticed = false;
    for (const auto& [step, each] : by_step) {
      const bool whole = coordinator.vault().Verify(each.checkpoint.blob).ok();
      if (whole && !each.damaged) good.push_back(each.checkpoint.blob);
      unnoticed = unnoticed || (!whole && !each.damaged);
    }
    // An older one may go on the strength of those that are damaged now: one at a time.
    if (good.size() >= 2 && !unnoticed && draws_.Chance(0.5)) return Damage(draws_.Pick(good));
  }
  TakeUnnamedBlob();
}

void Nemesis::Damage(const Digest& blob) {
  CoordinatorHost& coordinator = cluster_.coordinator;
  const bool flip = draws_.Chance(0.5);
  world_.Tell("fault", Cat(flip ? "flips" : "takes", " the checkpoint's blob ", blob.hex.substr(0, 8)));
  const BodyPtr copy = *coordinator.vault().Read(blob);
  coordinator.checks().facts.Damaged(blob);
  if (flip) {
    coordinator.vault().Flip(blob);
  } else {
    coordinator.vault().Remove(blob);
  }
  const bool put_back = draws_.Chance(0.3);
  if (!put_back && draws_.Chance(0.5)) return;
  Later(Outage(), [this, copy, put_back] {
    if (put_back) PutBack(copy);
    cluster_.coordinator.VerifyCheckpoints();
  });
}

// Only what is still named: nobody looks for another.
void Nemesis::PutBack(const BodyPtr& copy) {
  CoordinatorHost& coordinator = cluster_.coordinator;
  const std::vector<Digest> named = coordinator::ReferencedBlobs(coordinator.state().facts);
  const bool going = coordinator.state().facts.removals.contains(copy->digest);
  if (going || std::find(named.begin(), named.end(), copy->digest) == named.end()) return;
  world_.Tell("people", Cat("put the blob ", copy->digest.hex.substr(0, 8), " back"));
  coordinator.vault().PutBack(copy, coordinator.machine().WallTime());
  coordinator.checks().facts.PutBack(copy->digest);
}

void Nemesis::TakeUnnamedBlob() {
  CoordinatorHost& coordinator = cluster_.coordinator;
  const std::vector<Digest> named = coordinator::ReferencedBlobs(coordinator.state().facts);
  for (const Digest& blob : coordinator.vault().List()) {
    if (std::find(named.begin(), named.end(), blob) != named.end()) continue;
    world_.Tell("fault", Cat("takes the unnamed blob ", blob.hex.substr(0, 8)));
    coordinator.vault().Remove(blob);
    return;
  }
}

void Nemesis::StrikeBox(FaultKind kind, Box& box) {
  switch (kind) {
    case FaultKind::kAgentKill:
      return box.KillAgent(Outage());
    case FaultKind::kAgentStop:
      box.agent().AskToStop();
      if (draws_.Chance(0.3)) Later(absl::Seconds(2), [&box] { box.agent().AskToStop(); });
      return Later(draws_.Between(absl::Seconds(10), absl::Seconds(120)), [&box] { box.Start(); });
    case FaultKind::kAgentPause:
      if (draws_.Chance(0.5)) return box.PauseAgent(Outage());
      return box.Suspend(Outage());
    case FaultKind::kBoxPower:
      return box.PowerOff(Outage());
    case FaultKind::kBoxWall:
      return box.machine().JumpWall(draws_.Between(absl::Hours(-9000), absl::Hours(9000)));
    case FaultKind::kBoxFull:
      box.disk().full = true;
      return Later(Outage(), [&box] { box.disk().full = false; });
    case FaultKind::kStoreLoss: {
      const std::string& chunk = draws_.Pick(box.chunk_names());
      const auto stored = box.disk().store.find(chunk);
      if (stored == box.disk().store.end()) return;
      if (draws_.Chance(0.5)) {
        stored->second.has_train = false;
      } else {
        box.disk().store.erase(stored);
      }
      return;
    }
    case FaultKind::kPartition:
    case FaultKind::kHalfOpen: {
      const bool up = draws_.Chance(0.8);
      return box.Partition(up, !up || draws_.Chance(0.7), Outage(), kind == FaultKind::kHalfOpen);
    }
    case FaultKind::kReset:
      return box.agent().LoseConnection(draws_.Chance(0.7) ? AgentHost::Loss::kReset
                                                           : AgentHost::Loss::kHalfOpen);
    case FaultKind::kSlowLink:
      box.link().SetSlow(true);
      return Later(draws_.Between(absl::Seconds(10), absl::Seconds(120)),
                   [&box] { box.link().SetSlow(false); });
    default:
      return;
  }
}

void Nemesis::StrikeChild(FaultKind kind, Box& box) {
  for (Child* child : box.agent().Children()) {
    const bool trainer = !child->specialist().empty();
    if (trainer == (kind == FaultKind::kPreparerKill) || !child->process().alive()) continue;
    if (kind != FaultKind::kTrainerPause) return child->Kill();
    child->Halt(true);
    return Later(Outage() * 2, [child] { child->Halt(false); });
  }
}

void Nemesis::StrikePeople(FaultKind kind) {
  People& people = cluster_.people;
  switch (kind) {
    case FaultKind::kPausePlan:
      people.Pause();
      return Later(Outage(), [&people] { people.Resume(); });
    case FaultKind::kDrain: {
      Box& box = *cluster_.boxes[draws_.Below(cluster_.boxes.size())];
      people.Drain(box.member());
      return Later(draws_.Between(absl::Seconds(30), absl::Minutes(4)), [&box] { box.Start(); });
    }
    case FaultKind::kPin:
      return people.Pin();
    case FaultKind::kImpostor: {
      Box& impostor = *cluster_.impostor;
      if (impostor.agent().process().alive()) return impostor.KillAgent(absl::Hours(24 * 365));
      if (draws_.Chance(0.5)) cluster_.boxes[0]->PowerOff(Outage() + cluster_.options.plan.handover);
      return impostor.Start();
    }
    case FaultKind::kWrongZip: {
      Box& box = *cluster_.boxes[draws_.Below(cluster_.boxes.size())];
      box.SpoilZip(draws_.Pick(box.chunk_names()));
      // Somebody resumes runs that stopped for a reason that is gone, or that is not.
      return Later(Outage() * 2, [&people] { people.Resume(); });
    }
    default:
      return;
  }
}

}  // namespace interceptor::simulation
