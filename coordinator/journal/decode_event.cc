#include "coordinator/journal/decode_event.h"

#include "common/base/status.h"

namespace interceptor::coordinator {
namespace {

using journal::v1::Record;

Digest Get(const journal::v1::Digest& from) { return {from.sha256(), from.size_bytes()}; }
TaskRef Get(const journal::v1::TaskRef& from) { return {from.task(), from.term()}; }
Incarnation Get(const journal::v1::CoordinatorStarted& from) { return {from.incarnation(), from.nonce()}; }

DataManifest Get(const journal::v1::DataManifest& from) {
  DataManifest manifest{from.chunk(), Get(from.blob()), from.chunk_sha256(),
                        from.clips(), from.families(),  from.quarantined()};
  for (const journal::v1::ViewBytes& view : from.views()) manifest.view_bytes[view.view()] = view.bytes();
  return manifest;
}

absl::StatusOr<SaveReason> Get(journal::v1::SaveReason from) {
  if (from == journal::v1::SAVE_REASON_SAVE_NOW) return SaveReason::kSaveNow;
  if (from == journal::v1::SAVE_REASON_CHUNK_END) return SaveReason::kChunkEnd;
  return DataLoss("journal record with save reason ", static_cast<int>(from));
}

absl::StatusOr<EvaluationKind> Get(journal::v1::EvaluationKind from) {
  if (from == journal::v1::EVALUATION_KIND_HELD_OUT) return EvaluationKind::kHeldOut;
  if (from == journal::v1::EVALUATION_KIND_LOOK_AHEAD) return EvaluationKind::kLookAhead;
  return DataLoss("journal record with evaluation kind ", static_cast<int>(from));
}

absl::StatusOr<DurableEvent> Get(const journal::v1::CheckpointCommitted& from) {
  const journal::v1::Checkpoint& c = from.checkpoint();
  Checkpoint checkpoint;
  checkpoint.id = c.id();
  checkpoint.specialist = c.specialist();
  checkpoint.blob = Get(c.blob());
  checkpoint.step = c.step();
  checkpoint.cursor = {c.cursor().chunk(), c.cursor().epoch(), c.cursor().position(), c.cursor().seed()};
  checkpoint.training_seconds = c.training_seconds();
  checkpoint.manifests = {c.manifests().begin(), c.manifests().end()};
  ICPT_ASSIGN_OR_RETURN(checkpoint.reason, Get(c.reason()));
  checkpoint.committed_at = absl::FromUnixNanos(c.committed_at_ns());
  return CheckpointCommitted{checkpoint, from.term(), from.box()};
}

absl::StatusOr<DurableEvent> Get(const journal::v1::EvaluationRecorded& from) {
  Evaluation evaluation;
  evaluation.specialist = from.specialist();
  ICPT_ASSIGN_OR_RETURN(evaluation.kind, Get(from.kind()));
  evaluation.chunk = from.chunk();
  evaluation.step = from.step();
  evaluation.score_table = Get(from.score_table());
  evaluation.reals = from.reals();
  evaluation.fakes = from.fakes();
  evaluation.families = from.families();
  evaluation.auc = from.auc();
  evaluation.auc_low = from.auc_low();
  evaluation.auc_high = from.auc_high();
  evaluation.log_loss = from.log_loss();
  evaluation.real_accuracy = from.real_accuracy();
  evaluation.fake_accuracy = from.fake_accuracy();
  evaluation.too_few = from.too_few();
  evaluation.recorded_at = absl::FromUnixNanos(from.recorded_at_ns());
  return EvaluationRecorded{evaluation};
}

DurableEvent Get(const journal::v1::TaskGranted& from) {
  return TaskGranted{.task = from.task(),
                     .term = from.term(),
                     .member = from.member(),
                     .box = from.box(),
                     .next_chunk = from.next_chunk(),
                     .base = from.base()};
}

DurableEvent Get(const journal::v1::ChunkCompleted& from) {
  return ChunkCompleted{.task = Get(from.task()),
                        .chunk = from.chunk(),
                        .step = from.step(),
                        .training_seconds = from.training_seconds(),
                        .last = from.last()};
}

// Tasks, leases and checkpoints.
absl::StatusOr<DurableEvent> DecodeWork(const Record& r) {
  switch (r.event_case()) {
    case Record::kTaskGranted:
      return Get(r.task_granted());
    case Record::kLeaseExpired:
      return LeaseExpired{Get(r.lease_expired().task()), r.lease_expired().reason()};
    case Record::kLeaseReclaimed:
      return LeaseReclaimed{Get(r.lease_reclaimed().task())};
    case Record::kTaskReleased:
      return TaskReleased{Get(r.task_released().task()), r.task_released().reason()};
    case Record::kTaskFailureRecorded: {
      const auto& from = r.task_failure_recorded();
      return TaskFailureRecorded{Get(from.task()), ParseStatusCode(from.code()), from.text(), from.paused()};
    }
    case Record::kCheckpointCommitted:
      return Get(r.checkpoint_committed());
    case Record::kCheckpointPinned:
      return CheckpointPinned{r.checkpoint_pinned().id()};
    case Record::kCheckpointUnpinned:
      return CheckpointUnpinned{r.checkpoint_unpinned().id()};
    case Record::kCheckpointDamaged:
      return CheckpointDamaged{r.checkpoint_damaged().id()};
    case Record::kCheckpointRestored:
      return CheckpointRestored{r.checkpoint_restored().id()};
    case Record::kRunSetBack: {
      const auto& from = r.run_set_back();
      return RunSetBack{from.task(), from.next_chunk(), from.base(), from.damaged()};
    }
    case Record::kRemovalDecided:
      return RemovalDecided{r.removal_decided().id()};
    case Record::kRemovalDone:
      return RemovalDone{Get(r.removal_done().blob())};
    case Record::kEvaluationRecorded:
      return Get(r.evaluation_recorded());
    case Record::kChunkCompleted:
      return Get(r.chunk_completed());
    default:
      return DataLoss("journal record without an event this version knows");
  }
}

}  // namespace

absl::StatusOr<DurableEvent> DecodeEvent(const Record& r) {
  switch (r.event_case()) {
    case Record::kPlanAdopted:
      return PlanAdopted{r.plan_adopted().name(), r.plan_adopted().digest()};
    case Record::kCoordinatorStarted:
      return CoordinatorStarted{Get(r.coordinator_started())};
    case Record::kMemberAttached: {
      const auto& from = r.member_attached();
      return MemberAttached{from.member(), from.box(), from.incarnation()};
    }
    case Record::kMemberLeft:
      return MemberLeft{r.member_left().member(), r.member_left().box(), r.member_left().reason()};
    case Record::kDrainRequested:
      return DrainRequested{r.drain_requested().member()};
    case Record::kChunkDigestFixed: {
      const auto& from = r.chunk_digest_fixed();
      return ChunkDigestFixed{from.chunk(), from.sha256(), from.size_bytes(), from.box()};
    }
    case Record::kManifestCommitted:
      return ManifestCommitted{Get(r.manifest_committed().manifest()), r.manifest_committed().box()};
    case Record::kPlanPaused:
      return PlanPaused{r.plan_paused().reason()};
    case Record::kPlanResumed:
      return PlanResumed{};
    case Record::kPlanFinished:
      return PlanFinished{};
    case Record::kHistoryLost: {
      const auto& from = r.history_lost();
      return HistoryLost{Get(from.seen()), from.why(), Get(from.now()), from.term_floor()};
    }
    default:
      return DecodeWork(r);
  }
}

}  // namespace interceptor::coordinator
