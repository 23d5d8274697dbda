#include <cmath>

#include "common/base/status.h"
#include "coordinator/core/decide_parts.h"
#include "coordinator/core/queries.h"
#include "coordinator/core/requests.h"
#include "coordinator/core/retention.h"

namespace interceptor::coordinator {
namespace {

absl::Status CheckShape(const State& state, const CheckpointProposed& command) {
  const Checkpoint& checkpoint = command.checkpoint;
  const std::string specialist = SpecialistOf(command.task.task);
  if (specialist.empty() || checkpoint.specialist != specialist) {
    return InvalidArgument("checkpoint.specialist is '", CleanText(checkpoint.specialist), "', the task is ",
                           command.task.task);
  }
  ICPT_RETURN_IF_ERROR(CheckBlob("checkpoint.blob", checkpoint.blob));
  ICPT_RETURN_IF_ERROR(CheckCursor(state, "checkpoint.cursor", checkpoint.cursor));
  if (checkpoint.step < 1)
    return InvalidArgument("checkpoint.step is ", checkpoint.step, ", allowed: 1 or more");
  if (!std::isfinite(checkpoint.training_seconds) || checkpoint.training_seconds < 0) {
    return InvalidArgument("checkpoint.training_seconds is ", checkpoint.training_seconds,
                           ", allowed: 0 or more");
  }
  const std::size_t chunks = state.soft.plan.chunks.size();
  if (checkpoint.manifests.size() > chunks) {
    return InvalidArgument("checkpoint.manifests has ", checkpoint.manifests.size(),
                           " entries, allowed: ", chunks);
  }
  return absl::OkStatus();
}

// A model trained on another audit of the data is another model.
absl::Status CheckManifests(const State& state, const Checkpoint& checkpoint) {
  for (std::size_t i = 0; i < checkpoint.manifests.size(); ++i) {
    const std::string& chunk = state.soft.plan.chunks[i].name;
    const std::optional<DataManifest>& manifest = ChunkOf(state, chunk).manifest;
    if (!manifest) {
      return FailedPrecondition("checkpoint.manifests names one of chunk ", chunk,
                                ", which has none committed");
    }
    const std::string& committed = manifest->blob.hex;
    if (committed == checkpoint.manifests[i]) continue;
    return FailedPrecondition("the checkpoint was trained on manifest ", CleanText(checkpoint.manifests[i]),
                              " of chunk ", chunk, ", committed is ", committed);
  }
  return absl::OkStatus();
}

absl::Status CheckAdvance(const State& state, const CheckpointProposed& command) {
  const Checkpoint& checkpoint = command.checkpoint;
  const TaskFacts& task = TaskOf(state, command.task.task);
  const CheckpointFacts* newest = NewestCommitted(state, checkpoint.specialist);
  if (newest != nullptr && checkpoint.step <= newest->checkpoint.step) {
    return FailedPrecondition("checkpoint.step is ", checkpoint.step, ", the newest committed is ",
                              newest->checkpoint.id, ": it must go beyond");
  }
  if (newest != nullptr && checkpoint.training_seconds < newest->checkpoint.training_seconds) {
    return FailedPrecondition("checkpoint.training_seconds is ", checkpoint.training_seconds, ", that of ",
                              newest->checkpoint.id, " is ", newest->checkpoint.training_seconds,
                              ": training time never goes back");
  }
  const bool ends_old_chunk =
      checkpoint.reason == SaveReason::kChunkEnd && ChunksCovered(checkpoint) <= task.next_chunk;
  if (checkpoint.cursor.chunk < task.next_chunk || ends_old_chunk) {
    return FailedPrecondition("the checkpoint stands in chunk index ", checkpoint.cursor.chunk,
                              ", the next unfinished one is ", task.next_chunk);
  }
  return absl::OkStatus();
}

absl::Status CheckVault(const State& state, const CheckpointProposed& command) {
  const Digest& blob = command.checkpoint.blob;
  ICPT_RETURN_IF_ERROR(CheckInVault(blob, command.blob_verified && !state.facts.removals.contains(blob)));
  const int64_t limit = state.soft.plan.vault_bytes_max;
  const int64_t at_rest = BytesAtRest(state, command.checkpoint);
  if (limit > 0 && at_rest > limit) {
    return ResourceExhausted("checkpoints would take ", at_rest,
                             " bytes at rest, checkpoints.vault_bytes_max is ", limit,
                             ": unpin some, or start a plan with more");
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status DecideOn(Draft& draft, const CheckpointProposed& command) {
  const State& state = draft.state;
  Checkpoint checkpoint = command.checkpoint;
  ICPT_ASSIGN_OR_RETURN(const Session* session, OpenSession(state, command.session));
  const std::string content =
      Cat("checkpoint|", command.task.task, "|", checkpoint.step, "|", checkpoint.blob.hex);
  ICPT_ASSIGN_OR_RETURN(const RequestCheck request,
                        CheckRequest(state, command.request_id, content, RequestId::kRequired));
  if (request.known) return absl::OkStatus();
  ICPT_RETURN_IF_ERROR(CheckHolder(state, session->box, command.task));
  ICPT_RETURN_IF_ERROR(CheckShape(state, command));
  const CheckpointFacts* newest = NewestCommitted(state, checkpoint.specialist);
  if (newest != nullptr && newest->checkpoint.step == checkpoint.step &&
      newest->checkpoint.blob == checkpoint.blob) {
    // An agent that lost its request ids in a crash asks again for what is committed.
    RenewByWork(draft, command.session, command.task);
    return absl::OkStatus();
  }
  ICPT_RETURN_IF_ERROR(CheckManifests(state, checkpoint));
  ICPT_RETURN_IF_ERROR(CheckAdvance(state, command));
  ICPT_RETURN_IF_ERROR(CheckVault(state, command));
  checkpoint.id = MakeCheckpointId(checkpoint.specialist, checkpoint.step);
  checkpoint.committed_at = draft.wall_time;
  draft.Record(CheckpointCommitted{checkpoint, command.task.term, session->box}, request.mark);
  RenewByWork(draft, command.session, command.task);
  return absl::OkStatus();
}

}  // namespace interceptor::coordinator
