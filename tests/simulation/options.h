// What one seed is about: the plan, how long things take, and which faults may happen. Each seed takes some
// kinds of fault and leaves others out ("swarm"), so that rare combinations get their share.
#pragma once

#include <string>
#include <vector>

#include "absl/time/time.h"
#include "coordinator/core/types.h"
#include "tests/simulation/draws.h"
#include "worker/session/session_values.h"

namespace interceptor::simulation {

enum class FaultKind {
  kCoordinatorKill,
  kCoordinatorPower,
  kCoordinatorStop,
  kCoordinatorPause,
  kSyncFailure,
  kSlowDisk,
  kDiskFull,
  kMaintenance,
  kCoordinatorWall,
  kVaultDamage,
  kAgentKill,
  kAgentStop,
  kAgentPause,
  kBoxPower,
  kBoxWall,
  kBoxFull,
  kTrainerKill,
  kTrainerPause,
  kPreparerKill,
  kStoreLoss,
  kPartition,
  kHalfOpen,
  kReset,
  kSlowLink,
  kPausePlan,
  kDrain,
  kPin,
  kImpostor,
  kWrongZip,
};
inline constexpr int kFaultKinds = static_cast<int>(FaultKind::kWrongZip) + 1;
std::string_view ToString(FaultKind kind);

struct Timing {
  absl::Duration tick;
  absl::Duration step;
  absl::Duration startup;
  absl::Duration save;
  absl::Duration evaluation;
  absl::Duration prepare;
  absl::Duration hash;
  absl::Duration recovery_period;
};

struct Options {
  uint64_t seed = 0;
  coordinator::PlanFacts plan;
  int epochs = 1;
  int64_t epoch_batches = 10;
  int rounding_period = 4;
  int evaluate_every_steps = 0;  // 0: never
  Timing timing;
  std::vector<FaultKind> faults;
  // Between two faults, on average.
  absl::Duration fault_gap;
  // Length of the phase with faults.
  absl::Duration safety;
  // In the phase without, the whole plan must be done within this.
  absl::Duration liveness = absl::Hours(3);
  // Chunks beyond the first arrive at the boxes one after the other within the phase with faults.
  bool late_chunks = false;
  // What nothing in the vault refers to for so long goes at a start; by the wall clock, as files' times are.
  absl::Duration orphan_age = absl::Hours(24);

  int64_t steps_per_chunk() const { return epochs * epoch_batches; }
  int64_t steps() const { return steps_per_chunk() * static_cast<int64_t>(plan.chunks.size()); }
};

Options DrawOptions(uint64_t seed);

// The digest of a chunk's zip as it should be.
std::string ZipDigest(const std::string& chunk);

}  // namespace interceptor::simulation
