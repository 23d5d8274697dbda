#include "common/wire/convert.h"

#include <optional>
#include <utility>

#include "common/base/status.h"
#include "google/protobuf/util/time_util.h"

namespace interceptor {
namespace {

constexpr std::pair<Phase, v1::Phase> kPhases[] = {
    {Phase::kWaitingForData, v1::PHASE_WAITING_FOR_DATA}, {Phase::kPreparing, v1::PHASE_PREPARING},
    {Phase::kWaitingForTurn, v1::PHASE_WAITING_FOR_TURN}, {Phase::kTraining, v1::PHASE_TRAINING},
    {Phase::kEvaluating, v1::PHASE_EVALUATING},           {Phase::kSaving, v1::PHASE_SAVING},
    {Phase::kIntegrating, v1::PHASE_INTEGRATING}};

}  // namespace

v1::Digest ToProto(const Digest& digest) {
  v1::Digest out;
  out.set_sha256(digest.hex);
  out.set_size_bytes(digest.size_bytes);
  return out;
}

v1::Cursor ToProto(const Cursor& cursor) {
  v1::Cursor out;
  out.set_chunk(cursor.chunk);
  out.set_epoch(cursor.epoch);
  out.set_position(cursor.position);
  out.set_seed(cursor.seed);
  return out;
}

v1::TaskRef ToProto(const TaskRef& task) {
  v1::TaskRef out;
  out.set_task(task.task);
  out.set_term(task.term);
  return out;
}

v1::Phase ToProto(Phase phase) {
  for (const auto& [ours, theirs] : kPhases) {
    if (ours == phase) return theirs;
  }
  return v1::PHASE_UNSPECIFIED;
}

v1::Progress ToProto(const Progress& progress) {
  v1::Progress out;
  *out.mutable_task() = ToProto(progress.task);
  out.set_phase(ToProto(progress.phase));
  *out.mutable_cursor() = ToProto(progress.cursor);
  out.set_step(progress.step);
  out.set_chunk_steps(progress.chunk_steps);
  out.set_loss(progress.loss);
  out.set_gradient_norm(progress.gradient_norm);
  out.set_samples_per_second(progress.samples_per_second);
  out.set_data_wait_share(progress.data_wait_share);
  out.set_training_seconds(progress.training_seconds);
  out.set_activity(progress.activity);
  out.set_trouble(progress.trouble);
  return out;
}

v1::DataManifest ToProto(const DataManifest& manifest) {
  v1::DataManifest out;
  out.set_chunk(manifest.chunk);
  *out.mutable_blob() = ToProto(manifest.blob);
  out.set_chunk_sha256(manifest.chunk_sha256);
  out.set_clips(manifest.clips);
  out.set_families(manifest.families);
  out.set_quarantined(manifest.quarantined);
  for (const auto& [view, bytes] : manifest.view_bytes) {
    v1::ViewBytes* added = out.add_views();
    added->set_view(view);
    added->set_bytes(bytes);
  }
  return out;
}

v1::Checkpoint ToProto(const Checkpoint& checkpoint) {
  v1::Checkpoint out;
  out.set_id(checkpoint.id);
  out.set_specialist(checkpoint.specialist);
  *out.mutable_blob() = ToProto(checkpoint.blob);
  out.set_step(checkpoint.step);
  *out.mutable_cursor() = ToProto(checkpoint.cursor);
  out.set_training_seconds(checkpoint.training_seconds);
  for (const std::string& manifest : checkpoint.manifests) out.add_manifests(manifest);
  *out.mutable_committed_at() = ToProto(checkpoint.committed_at);
  out.set_reason(std::string(ToString(checkpoint.reason)));
  return out;
}

v1::Evaluation ToProto(const Evaluation& evaluation) {
  v1::Evaluation out;
  out.set_specialist(evaluation.specialist);
  out.set_kind(std::string(ToString(evaluation.kind)));
  out.set_chunk(evaluation.chunk);
  out.set_step(evaluation.step);
  *out.mutable_score_table() = ToProto(evaluation.score_table);
  out.set_reals(evaluation.reals);
  out.set_fakes(evaluation.fakes);
  out.set_families(evaluation.families);
  out.set_auc(evaluation.auc);
  out.set_auc_low(evaluation.auc_low);
  out.set_auc_high(evaluation.auc_high);
  out.set_log_loss(evaluation.log_loss);
  out.set_real_accuracy(evaluation.real_accuracy);
  out.set_fake_accuracy(evaluation.fake_accuracy);
  out.set_too_few(evaluation.too_few);
  *out.mutable_recorded_at() = ToProto(evaluation.recorded_at);
  return out;
}

v1::RoundReady ToProto(const Round& round) {
  v1::RoundReady out;
  out.set_chunk(round.chunk);
  for (const Evaluation& evaluation : round.evaluations) *out.add_evaluations() = ToProto(evaluation);
  for (const AbsentSpecialist& absent : round.absent) {
    v1::AbsentSpecialist* added = out.add_absent();
    added->set_specialist(absent.specialist);
    added->set_reason(absent.reason);
  }
  out.set_last(round.last);
  return out;
}

google::protobuf::Duration ToProto(absl::Duration duration) {
  return google::protobuf::util::TimeUtil::NanosecondsToDuration(absl::ToInt64Nanoseconds(duration));
}

google::protobuf::Timestamp ToProto(absl::Time time) {
  return google::protobuf::util::TimeUtil::NanosecondsToTimestamp(absl::ToUnixNanos(time));
}

Digest FromProto(const v1::Digest& digest) { return {digest.sha256(), digest.size_bytes()}; }

Cursor FromProto(const v1::Cursor& cursor) {
  return {cursor.chunk(), cursor.epoch(), cursor.position(), cursor.seed()};
}

TaskRef FromProto(const v1::TaskRef& task) { return {task.task(), task.term()}; }

Phase FromProto(v1::Phase phase) {
  for (const auto& [ours, theirs] : kPhases) {
    if (theirs == phase) return ours;
  }
  return Phase::kUnknown;
}

Progress FromProto(const v1::Progress& progress) {
  return {.task = FromProto(progress.task()),
          .phase = FromProto(progress.phase()),
          .cursor = FromProto(progress.cursor()),
          .step = progress.step(),
          .chunk_steps = progress.chunk_steps(),
          .loss = progress.loss(),
          .gradient_norm = progress.gradient_norm(),
          .samples_per_second = progress.samples_per_second(),
          .data_wait_share = progress.data_wait_share(),
          .training_seconds = progress.training_seconds(),
          .activity = progress.activity(),
          .trouble = progress.trouble()};
}

DataManifest FromProto(const v1::DataManifest& manifest) {
  DataManifest out{.chunk = manifest.chunk(),
                   .blob = FromProto(manifest.blob()),
                   .chunk_sha256 = manifest.chunk_sha256(),
                   .clips = manifest.clips(),
                   .families = manifest.families(),
                   .quarantined = manifest.quarantined()};
  for (const v1::ViewBytes& view : manifest.views()) out.view_bytes[view.view()] = view.bytes();
  return out;
}

absl::StatusOr<Checkpoint> FromProto(const v1::Checkpoint& checkpoint) {
  const std::optional<SaveReason> reason = ParseSaveReason(checkpoint.reason());
  if (!reason.has_value()) {
    return InvalidArgument("checkpoint.reason is '", checkpoint.reason(), "', allowed: save_now, chunk_end");
  }
  return Checkpoint{.id = checkpoint.id(),
                    .specialist = checkpoint.specialist(),
                    .blob = FromProto(checkpoint.blob()),
                    .step = checkpoint.step(),
                    .cursor = FromProto(checkpoint.cursor()),
                    .training_seconds = checkpoint.training_seconds(),
                    .manifests = {checkpoint.manifests().begin(), checkpoint.manifests().end()},
                    .reason = *reason};
}

absl::StatusOr<Evaluation> FromProto(const v1::Evaluation& evaluation) {
  const std::optional<EvaluationKind> kind = ParseEvaluationKind(evaluation.kind());
  if (!kind.has_value()) {
    return InvalidArgument("evaluation.kind is '", evaluation.kind(), "', allowed: held_out, look_ahead");
  }
  return Evaluation{.specialist = evaluation.specialist(),
                    .kind = *kind,
                    .chunk = evaluation.chunk(),
                    .step = evaluation.step(),
                    .score_table = FromProto(evaluation.score_table()),
                    .reals = evaluation.reals(),
                    .fakes = evaluation.fakes(),
                    .families = evaluation.families(),
                    .auc = evaluation.auc(),
                    .auc_low = evaluation.auc_low(),
                    .auc_high = evaluation.auc_high(),
                    .log_loss = evaluation.log_loss(),
                    .real_accuracy = evaluation.real_accuracy(),
                    .fake_accuracy = evaluation.fake_accuracy(),
                    .too_few = evaluation.too_few()};
}

absl::StatusOr<Round> FromProto(const v1::RoundReady& round) {
  Round out{.chunk = round.chunk(), .evaluations = {}, .absent = {}, .last = round.last()};
  for (const v1::Evaluation& evaluation : round.evaluations()) {
    ICPT_ASSIGN_OR_RETURN(out.evaluations.emplace_back(), FromProto(evaluation));
  }
  for (const v1::AbsentSpecialist& absent : round.absent()) {
    out.absent.push_back({absent.specialist(), absent.reason()});
  }
  return out;
}

Failure FromProto(const v1::TaskFailed& failed) {
  return {.code = ParseStatusCode(failed.code()), .text = failed.text(), .retryable = failed.retryable()};
}

absl::Duration FromProto(const google::protobuf::Duration& duration) {
  return absl::Nanoseconds(google::protobuf::util::TimeUtil::DurationToNanoseconds(duration));
}

absl::Time FromProto(const google::protobuf::Timestamp& timestamp) {
  return absl::FromUnixNanos(google::protobuf::util::TimeUtil::TimestampToNanoseconds(timestamp));
}

}  // namespace interceptor
