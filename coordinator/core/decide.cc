#include "coordinator/core/decide.h"

#include "common/base/status.h"
#include "coordinator/core/decide_parts.h"

namespace interceptor::coordinator {
namespace {

struct Chooser {
  Draft& draft;

  absl::Status operator()(const StartCommand& c) { return DecideStart(draft, c); }
  absl::Status operator()(const TickCommand& c) { return DecideTick(draft, c); }
  absl::Status operator()(const SessionOpened& c) { return DecideSessionOpened(draft, c); }
  absl::Status operator()(const SessionClosed& c) { return DecideSessionClosed(draft, c); }
  absl::Status operator()(const InventoryReported& c) { return DecideInventory(draft, c); }
  absl::Status operator()(const Goodbye& c) { return DecideGoodbye(draft, c); }
  absl::Status operator()(const ProgressReported& c) { return DecideProgress(draft, c); }
  absl::Status operator()(const ManifestProposed& c) { return DecideManifest(draft, c); }
  absl::Status operator()(const CheckpointProposed& c) { return DecideCheckpoint(draft, c); }
  absl::Status operator()(const EvaluationReported& c) { return DecideEvaluation(draft, c); }
  absl::Status operator()(const ChunkFinished& c) { return DecideChunkFinished(draft, c); }
  absl::Status operator()(const TaskFailed& c) { return DecideTaskFailed(draft, c); }
  absl::Status operator()(const PausePlan& c) { return DecidePause(draft, c); }
  absl::Status operator()(const ResumePlan& c) { return DecideResume(draft, c); }
  absl::Status operator()(const DrainWorker& c) { return DecideDrain(draft, c); }
  absl::Status operator()(const PinCheckpoint& c) { return DecidePin(draft, c); }
  absl::Status operator()(const UnpinCheckpoint& c) { return DecideUnpin(draft, c); }
  absl::Status operator()(const BlobRemoved& c) { return DecideBlobRemoved(draft, c); }
  absl::Status operator()(const BlobChecked& c) { return DecideBlobChecked(draft, c); }
  absl::Status operator()(const SpaceReported& c) { return DecideSpace(draft, c); }
};

}  // namespace

absl::StatusOr<Decision> Decide(const State& state, const Command& command, MonotonicTime now) {
  const bool starts = std::holds_alternative<StartCommand>(command.body);
  if (!state.soft.started && !starts) return Unavailable("the coordinator is starting: try again");
  Draft draft{.state = state, .wall_time = command.wall_time, .now = now, .decision = {}, .touched = {}};
  ICPT_RETURN_IF_ERROR(std::visit(Chooser{draft}, command.body));
  return std::move(draft.decision);
}

}  // namespace interceptor::coordinator
