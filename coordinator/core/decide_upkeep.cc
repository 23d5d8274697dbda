// What the runtime reports of vault and disk.
#include "common/base/status.h"
#include "coordinator/core/decide_parts.h"
#include "coordinator/core/queries.h"

namespace interceptor::coordinator {

absl::Status DecideOn(Draft& draft, const BlobRemoved& command) {
  if (draft.state.facts.removals.contains(command.blob)) draft.Record(RemovalDone{command.blob});
  return absl::OkStatus();
}

absl::Status DecideOn(Draft& draft, const BlobChecked& command) {
  draft.decision.tick_soon = true;
  if (command.intact) draft.Note(BlobFoundIntact{command.blob});
  for (const auto& [specialist, by_step] : draft.state.facts.checkpoints) {
    for (const auto& [step, facts] : by_step) {
      if (facts.checkpoint.blob != command.blob || facts.damaged != command.intact) continue;
      const std::string& id = facts.checkpoint.id;
      draft.Record(command.intact ? DurableEvent(CheckpointRestored{id}) : CheckpointDamaged{id});
    }
  }
  return absl::OkStatus();
}

absl::Status DecideOn(Draft& draft, const SpaceReported& command) {
  if (command.free_bytes < 0 || command.vault_bytes < 0) {
    return InvalidArgument("space: ", command.free_bytes, " bytes free, ", command.vault_bytes,
                           " in the vault, allowed: 0 or more");
  }
  draft.Note(SpaceNoted{command.free_bytes, command.vault_bytes});
  draft.decision.tick_soon = true;
  return absl::OkStatus();
}

}  // namespace interceptor::coordinator
