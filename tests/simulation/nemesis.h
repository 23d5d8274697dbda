// Brings about the faults of a run, at drawn moments until it is told to stop.
#pragma once

#include "tests/simulation/cluster.h"

namespace interceptor::simulation {

class Nemesis {
 public:
  explicit Nemesis(Cluster& cluster);

  void Begin();
  void Stop() { stopped_ = true; }

 private:
  void Next();
  void Strike(FaultKind kind);
  void StrikeCoordinator(FaultKind kind);
  void StrikeBox(FaultKind kind, Box& box);
  void StrikeChild(FaultKind kind, Box& box);
  void StrikePeople(FaultKind kind);
  void DamageVault();
  void Damage(const Digest& blob);
  void PutBack(const BodyPtr& copy);
  void TakeUnnamedBlob();
  Box& AnyBox();
  absl::Duration Short() { return draws_.Between(absl::Milliseconds(500), absl::Seconds(15)); }
  // Mostly short, at times past leases and handover.
  absl::Duration Outage();
  // Undoes a fault unless everything was healed before.
  void Later(absl::Duration after, std::function<void()> run);

  Cluster& cluster_;
  World& world_;
  Draws draws_;
  bool stopped_ = false;
};

}  // namespace interceptor::simulation
