#include "coordinator/journal/event_codec.h"

#include <utility>

#include "common/base/check.h"
#include "common/base/status.h"
#include "coordinator/journal/decode_event.h"
#include "google/protobuf/io/coded_stream.h"
#include "google/protobuf/io/zero_copy_stream_impl_lite.h"
#include "interceptor/journal/v1/journal.pb.h"

namespace interceptor::coordinator {
namespace {

void Put(const Digest& from, journal::v1::Digest* to) {
  to->set_sha256(from.hex);
  to->set_size_bytes(from.size_bytes);
}

void Put(const Incarnation& from, journal::v1::CoordinatorStarted* to) {
  to->set_incarnation(from.number);
  to->set_nonce(from.nonce);
}

void Put(const TaskRef& from, journal::v1::TaskRef* to) {
  to->set_task(from.task);
  to->set_term(from.term);
}

void Put(const Checkpoint& from, journal::v1::Checkpoint* to) {
  to->set_id(from.id);
  to->set_specialist(from.specialist);
  Put(from.blob, to->mutable_blob());
  to->set_step(from.step);
  to->mutable_cursor()->set_chunk(from.cursor.chunk);
  to->mutable_cursor()->set_epoch(from.cursor.epoch);
  to->mutable_cursor()->set_position(from.cursor.position);
  to->mutable_cursor()->set_seed(from.cursor.seed);
  to->set_training_seconds(from.training_seconds);
  for (const std::string& manifest : from.manifests) to->add_manifests(manifest);
  to->set_reason(from.reason == SaveReason::kSaveNow ? journal::v1::SAVE_REASON_SAVE_NOW
                                                     : journal::v1::SAVE_REASON_CHUNK_END);
  to->set_committed_at_ns(absl::ToUnixNanos(from.committed_at));
}

void Put(const DataManifest& from, journal::v1::DataManifest* to) {
  to->set_chunk(from.chunk);
  Put(from.blob, to->mutable_blob());
  to->set_chunk_sha256(from.chunk_sha256);
  to->set_clips(from.clips);
  to->set_families(from.families);
  to->set_quarantined(from.quarantined);
  for (const auto& [view, bytes] : from.view_bytes) {
    journal::v1::ViewBytes* added = to->add_views();
    added->set_view(view);
    added->set_bytes(bytes);
  }
}

struct Encoder {
  journal::v1::Record& record;

  void operator()(const PlanAdopted& e) {
    auto* to = record.mutable_plan_adopted();
    to->set_name(e.name);
    to->set_digest(e.digest);
  }
  void operator()(const CoordinatorStarted& e) { Put(e.incarnation, record.mutable_coordinator_started()); }
  void operator()(const MemberAttached& e) {
    auto* to = record.mutable_member_attached();
    to->set_member(e.member);
    to->set_box(e.box);
    to->set_incarnation(e.incarnation);
  }
  void operator()(const MemberLeft& e) {
    auto* to = record.mutable_member_left();
    to->set_member(e.member);
    to->set_box(e.box);
    to->set_reason(e.reason);
  }
  void operator()(const DrainRequested& e) { record.mutable_drain_requested()->set_member(e.member); }
  void operator()(const ChunkDigestFixed& e) {
    auto* to = record.mutable_chunk_digest_fixed();
    to->set_chunk(e.chunk);
    to->set_sha256(e.sha256);
    to->set_size_bytes(e.size_bytes);
    to->set_box(e.box);
  }
  void operator()(const ManifestCommitted& e) {
    Put(e.manifest, record.mutable_manifest_committed()->mutable_manifest());
    record.mutable_manifest_committed()->set_box(e.box);
  }
  void operator()(const TaskGranted& e) {
    auto* to = record.mutable_task_granted();
    to->set_task(e.task);
    to->set_term(e.term);
    to->set_member(e.member);
    to->set_box(e.box);
    to->set_next_chunk(e.next_chunk);
    to->set_base(e.base);
  }
  void operator()(const LeaseExpired& e) {
    Put(e.task, record.mutable_lease_expired()->mutable_task());
    record.mutable_lease_expired()->set_reason(e.reason);
  }
  void operator()(const LeaseReclaimed& e) { Put(e.task, record.mutable_lease_reclaimed()->mutable_task()); }
  void operator()(const TaskReleased& e) {
    Put(e.task, record.mutable_task_released()->mutable_task());
    record.mutable_task_released()->set_reason(e.reason);
  }
  void operator()(const TaskFailureRecorded& e) {
    auto* to = record.mutable_task_failure_recorded();
    Put(e.task, to->mutable_task());
    to->set_code(absl::StatusCodeToString(e.code));
    to->set_text(e.text);
    to->set_paused(e.paused);
  }
  void operator()(const CheckpointCommitted& e) {
    auto* to = record.mutable_checkpoint_committed();
    Put(e.checkpoint, to->mutable_checkpoint());
    to->set_term(e.term);
    to->set_box(e.box);
  }
  void operator()(const CheckpointPinned& e) { record.mutable_checkpoint_pinned()->set_id(e.id); }
  void operator()(const CheckpointUnpinned& e) { record.mutable_checkpoint_unpinned()->set_id(e.id); }
  void operator()(const CheckpointDamaged& e) { record.mutable_checkpoint_damaged()->set_id(e.id); }
  void operator()(const CheckpointRestored& e) { record.mutable_checkpoint_restored()->set_id(e.id); }
  void operator()(const RunSetBack& e) {
    auto* to = record.mutable_run_set_back();
    to->set_task(e.task);
    to->set_next_chunk(e.next_chunk);
    to->set_base(e.base);
    to->set_damaged(e.damaged);
  }
  void operator()(const RemovalDecided& e) { record.mutable_removal_decided()->set_id(e.id); }
  void operator()(const RemovalDone& e) { Put(e.blob, record.mutable_removal_done()->mutable_blob()); }
  void operator()(const EvaluationRecorded& e) {
    const Evaluation& from = e.evaluation;
    auto* to = record.mutable_evaluation_recorded();
    to->set_specialist(from.specialist);
    to->set_kind(from.kind == EvaluationKind::kHeldOut ? journal::v1::EVALUATION_KIND_HELD_OUT
                                                       : journal::v1::EVALUATION_KIND_LOOK_AHEAD);
    to->set_chunk(from.chunk);
    to->set_step(from.step);
    Put(from.score_table, to->mutable_score_table());
    to->set_reals(from.reals);
    to->set_fakes(from.fakes);
    to->set_families(from.families);
    to->set_auc(from.auc);
    to->set_auc_low(from.auc_low);
    to->set_auc_high(from.auc_high);
    to->set_log_loss(from.log_loss);
    to->set_real_accuracy(from.real_accuracy);
    to->set_fake_accuracy(from.fake_accuracy);
    to->set_too_few(from.too_few);
    to->set_recorded_at_ns(absl::ToUnixNanos(from.recorded_at));
  }
  void operator()(const ChunkCompleted& e) {
    auto* to = record.mutable_chunk_completed();
    Put(e.task, to->mutable_task());
    to->set_chunk(e.chunk);
    to->set_step(e.step);
    to->set_training_seconds(e.training_seconds);
    to->set_last(e.last);
  }
  void operator()(const PlanPaused& e) { record.mutable_plan_paused()->set_reason(e.reason); }
  void operator()(const PlanResumed&) { record.mutable_plan_resumed(); }
  void operator()(const PlanFinished&) { record.mutable_plan_finished(); }
  void operator()(const HistoryLost& e) {
    auto* to = record.mutable_history_lost();
    Put(e.seen, to->mutable_seen());
    to->set_why(e.why);
    Put(e.now, to->mutable_now());
    to->set_term_floor(e.term_floor);
  }
};

}  // namespace

std::string EncodeFact(const Fact& fact) {
  journal::v1::Record record;
  record.set_wall_time_ns(absl::ToUnixNanos(fact.at));
  record.set_request_id(fact.request.id);
  record.set_request_fingerprint(fact.request.fingerprint);
  std::visit(Encoder{record}, fact.body);
  std::string bytes;
  {
    google::protobuf::io::StringOutputStream stream(&bytes);
    google::protobuf::io::CodedOutputStream out(&stream);
    out.SetSerializationDeterministic(true);
    ICPT_CHECK(record.SerializeToCodedStream(&out)) << "a record does not serialize";
  }
  return bytes;
}

absl::StatusOr<Fact> DecodeFact(std::string_view bytes) {
  journal::v1::Record record;
  if (!record.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    return DataLoss("journal record of ", bytes.size(), " bytes does not parse");
  }
  Fact fact;
  fact.at = absl::FromUnixNanos(record.wall_time_ns());
  fact.request = {record.request_id(), record.request_fingerprint()};
  ICPT_ASSIGN_OR_RETURN(fact.body, DecodeEvent(record));
  return fact;
}

}  // namespace interceptor::coordinator
