// Questions to the state that several decisions ask. Pure.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "coordinator/core/state.h"

namespace interceptor::coordinator {

// Of the coordinator that decides now.
Incarnation NewestStart(const Facts& facts);

// Null when there is none.
const Session* FindSession(const State& state, SessionId id);
// Null when it was not seen since the coordinator started.
const BoxInfo* FindBox(const State& state, std::string_view box);
// 0 when not connected.
SessionId SessionOfBox(const State& state, std::string_view box);
SessionId SessionOfMember(const State& state, std::string_view member);

bool IsPlanTask(const State& state, std::string_view task);
// Facts of a task of the plan; the initial ones when nothing has happened to it yet.
const TaskFacts& TaskOf(const State& state, std::string_view task);
// The same of a chunk.
const ChunkFacts& ChunkOf(const State& state, std::string_view chunk);
// Of one specialist; none when nothing was committed.
const CheckpointsByStep& CheckpointsOf(const State& state, std::string_view specialist);
const Lease* LeaseOf(const State& state, std::string_view task);
// The tasks somebody holds, lease alive or not, that `wanted` holds of, in the plan's order. One walk over
// the leases: `wanted` is asked of every task several times a second, so it looks nothing up unless it must.
std::vector<std::string> HeldTasks(const State& state,
                                   const std::function<bool(const std::string&, const Lease&)>& wanted);
// What the box holds, in the plan's order, leases alive or not.
std::vector<std::string> TasksHeldBy(const State& state, std::string_view box);
int HeldBy(const State& state, std::string_view box);
// Whether one of the leases that the box holds is in that state.
enum class LeaseState { kAlive, kDead };
bool HoldsLease(const State& state, std::string_view box, LeaseState wanted);
// Null when no member stands, or stood last, for the box.
const MemberFacts* MemberOfBox(const State& state, std::string_view box);

// OK when `box` holds `ref.task` under `ref.term`, its lease alive or not.
//   NOT_FOUND  no such task in the plan
//   ABORTED    the term is stale or over, or another box holds it: drop the work
absl::Status CheckHolder(const State& state, std::string_view box, const TaskRef& ref);

// The newest intact checkpoint; null when there is none.
const Checkpoint* NewestCheckpoint(const State& state, std::string_view specialist);
// The newest committed one, damaged or not.
const CheckpointFacts* NewestCommitted(const State& state, std::string_view specialist);
// The set-back that the run's next grant needs: its newest checkpoint is damaged, an older one is intact.
std::optional<RunSetBack> NeededSetBack(const State& state, const std::string& task);
// "BG goes on from BG-000000000100: BG-000000000200 is damaged in the vault"
std::string GoesOnFrom(std::string_view task, std::string_view base, std::string_view damaged);
const CheckpointFacts* FindCheckpoint(const State& state, std::string_view id);

// Steps reported beyond the newest intact checkpoint; 0 when nothing was reported.
int64_t UnsavedSteps(const State& state, std::string_view task);
int64_t UnsavedSteps(const State& state, std::string_view task, const Lease& lease);
// False only when it is known that stopping the task loses no step: a holder that came back and has not
// reported yet may have trained for hours.
bool MayHaveUnsavedWork(const State& state, std::string_view task);
// Training seconds reported beyond the newest intact checkpoint.
double UnsavedSeconds(const State& state, std::string_view task);
// True when the run stands at the start of its next chunk with nothing to lose.
bool AtChunkBoundary(const State& state, std::string_view task);

// How the run samples `chunk`: as the bias after the chunk before asks, as recorded.
std::vector<SamplingWeight> SamplingOf(const State& state, std::string_view task, int chunk);

// Whether the box reported this chunk whole with the digest that holds.
bool BoxHasChunk(const State& state, std::string_view box, int chunk);
// Whether it reported other bytes under its name.
bool BoxDiffers(const State& state, std::string_view box, int chunk);
// What an inventory says of a chunk; null when it does not name it.
const ChunkOnBox* FindChunk(const Inventory& inventory, std::string_view chunk);

// Since when the member's box (or any box, for one never seen) has been away; nothing while connected.
std::optional<MonotonicTime> GoneSince(const State& state, std::string_view member);
std::optional<MonotonicTime> BoxGoneSince(const State& state, std::string_view box);

// What the vault must hold for the facts: manifests, checkpoints, those to be removed, score tables.
std::vector<Digest> ReferencedBlobs(const Facts& facts);

// Less than one checkpoint of each specialist fits on the coordinator's disk.
bool DiskIsLow(const State& state);
int64_t LowDiskBytes(const PlanFacts& plan);
// What the plan's checkpoints will take beyond what the vault holds, at their peak: while a new one is
// published, one more of each specialist than is kept. A size not known yet is taken to be the largest known
// one, or kCheckpointBytesUsual.
int64_t CheckpointBytesToCome(const State& state);

absl::Duration NextReportIn(const State& state);

// A box for people: "member-2's box 0123abcd".
std::string NameBox(const State& state, std::string_view box);

}  // namespace interceptor::coordinator
