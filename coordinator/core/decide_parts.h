// One function a command; Decide (decide.h) chooses. Each fills the draft or returns the error and leaves
// the draft to be thrown away.
#pragma once

#include "absl/status/status.h"
#include "coordinator/core/command.h"
#include "coordinator/core/draft.h"

namespace interceptor::coordinator {

absl::Status DecideOn(Draft& draft, const StartCommand& command);
absl::Status DecideOn(Draft& draft, const TickCommand& command);
absl::Status DecideOn(Draft& draft, const SessionOpened& command);
absl::Status DecideOn(Draft& draft, const SessionClosed& command);
absl::Status DecideOn(Draft& draft, const InventoryReported& command);
absl::Status DecideOn(Draft& draft, const Goodbye& command);
absl::Status DecideOn(Draft& draft, const ProgressReported& command);
absl::Status DecideOn(Draft& draft, const ManifestProposed& command);
absl::Status DecideOn(Draft& draft, const CheckpointProposed& command);
absl::Status DecideOn(Draft& draft, const EvaluationReported& command);
absl::Status DecideOn(Draft& draft, const ChunkFinished& command);
absl::Status DecideOn(Draft& draft, const TaskFailed& command);
absl::Status DecideOn(Draft& draft, const PausePlan& command);
absl::Status DecideOn(Draft& draft, const ResumePlan& command);
absl::Status DecideOn(Draft& draft, const DrainWorker& command);
absl::Status DecideOn(Draft& draft, const PinCheckpoint& command);
absl::Status DecideOn(Draft& draft, const UnpinCheckpoint& command);
absl::Status DecideOn(Draft& draft, const BlobRemoved& command);
absl::Status DecideOn(Draft& draft, const BlobChecked& command);
absl::Status DecideOn(Draft& draft, const SpaceReported& command);

// The session, or ABORTED: its stream was replaced or ended.
absl::StatusOr<const Session*> OpenSession(const State& state, SessionId id);
// INVALID_ARGUMENT naming `field` unless the copy's name, size and digest are well formed.
absl::Status CheckInventory(const std::vector<ChunkOnBox>& chunks);
// The first complete copy of a chunk fixes its digest.
void FixChunkDigests(Draft& draft, std::string_view box, const std::vector<ChunkOnBox>& chunks);
// INVALID_ARGUMENT naming `field` unless the digest is well formed and the length positive.
absl::Status CheckBlob(std::string_view field, const Digest& blob);
// FAILED_PRECONDITION unless the blob was found in the vault.
absl::Status CheckInVault(const Digest& blob, bool verified);
// INVALID_ARGUMENT naming `field` unless it stands in the plan, or at its end.
absl::Status CheckCursor(const State& state, std::string_view field, const Cursor& cursor);
// A mutation was accepted: the session lives, and the task's lease runs anew (reclaimed when it was dead).
void RenewByWork(Draft& draft, SessionId session, const TaskRef& task);

}  // namespace interceptor::coordinator
