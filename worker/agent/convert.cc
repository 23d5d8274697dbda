#include "worker/agent/convert.h"

#include "common/base/status.h"

namespace interceptor::worker {
namespace {

constexpr int kProtocolVersion = 1;

absl::Duration FromProto(const google::protobuf::Duration& duration) {
  return absl::Seconds(duration.seconds()) + absl::Nanoseconds(duration.nanos());
}

v1::TaskRef ToProto(const TaskTerm& task) {
  v1::TaskRef ref;
  ref.set_task(task.task);
  ref.set_term(task.term);
  return ref;
}

TaskTerm FromProto(const v1::TaskRef& ref) { return {ref.task(), ref.term()}; }

v1::Cursor ToProto(const Cursor& cursor) {
  v1::Cursor out;
  out.set_chunk(cursor.chunk);
  out.set_epoch(cursor.epoch);
  out.set_position(cursor.position);
  out.set_seed(cursor.seed);
  return out;
}

v1::Phase ToProto(WorkPhase phase) {
  switch (phase) {
    case WorkPhase::kWaitingForData:
      return v1::PHASE_WAITING_FOR_DATA;
    case WorkPhase::kPreparing:
      return v1::PHASE_PREPARING;
    case WorkPhase::kWaitingForTurn:
      return v1::PHASE_WAITING_FOR_TURN;
    case WorkPhase::kTraining:
      return v1::PHASE_TRAINING;
    case WorkPhase::kEvaluating:
      return v1::PHASE_EVALUATING;
    case WorkPhase::kSaving:
      return v1::PHASE_SAVING;
    case WorkPhase::kIntegrating:
      return v1::PHASE_INTEGRATING;
  }
  return v1::PHASE_UNSPECIFIED;
}

v1::DataManifest ToProto(const ManifestFact& fact) {
  v1::DataManifest out;
  out.set_chunk(fact.chunk);
  *out.mutable_blob() = worker::ToProto(fact.blob);
  out.set_chunk_sha256(fact.chunk_sha256);
  out.set_clips(fact.clips);
  out.set_families(fact.families);
  out.set_quarantined(fact.quarantined);
  for (const auto& [view, bytes] : fact.view_bytes) {
    v1::ViewBytes* added = out.add_views();
    added->set_view(view);
    added->set_bytes(bytes);
  }
  return out;
}

ManifestFact FromProto(const v1::DataManifest& manifest) {
  ManifestFact fact{.chunk = manifest.chunk(),
                    .blob = worker::FromProto(manifest.blob()),
                    .chunk_sha256 = manifest.chunk_sha256(),
                    .clips = manifest.clips(),
                    .families = manifest.families(),
                    .quarantined = manifest.quarantined()};
  for (const v1::ViewBytes& view : manifest.views()) fact.view_bytes[view.view()] = view.bytes();
  return fact;
}

v1::Checkpoint ToProto(const CheckpointFact& fact) {
  v1::Checkpoint out;
  out.set_specialist(fact.specialist);
  *out.mutable_blob() = worker::ToProto(fact.blob);
  out.set_step(fact.step);
  *out.mutable_cursor() = ToProto(fact.cursor);
  out.set_training_seconds(fact.training_seconds);
  for (const std::string& manifest : fact.manifests) out.add_manifests(manifest);
  out.set_reason(fact.reason);
  return out;
}

CheckpointFact FromProto(const v1::Checkpoint& checkpoint) {
  const v1::Cursor& cursor = checkpoint.cursor();
  return {.specialist = checkpoint.specialist(),
          .blob = worker::FromProto(checkpoint.blob()),
          .step = checkpoint.step(),
          .cursor = {cursor.chunk(), cursor.epoch(), cursor.position(), cursor.seed()},
          .training_seconds = checkpoint.training_seconds(),
          .manifests = {checkpoint.manifests().begin(), checkpoint.manifests().end()},
          .reason = checkpoint.reason()};
}

v1::Evaluation ToProto(const EvaluationFact& fact) {
  v1::Evaluation out;
  out.set_specialist(fact.specialist);
  out.set_kind(fact.kind);
  out.set_chunk(fact.chunk);
  out.set_step(fact.step);
  *out.mutable_score_table() = worker::ToProto(fact.score_table);
  out.set_reals(fact.reals);
  out.set_fakes(fact.fakes);
  out.set_families(fact.families);
  out.set_auc(fact.auc);
  out.set_auc_low(fact.auc_low);
  out.set_auc_high(fact.auc_high);
  out.set_log_loss(fact.log_loss);
  out.set_real_accuracy(fact.real_accuracy);
  out.set_fake_accuracy(fact.fake_accuracy);
  out.set_too_few(fact.too_few);
  return out;
}

EvaluationFact FromProto(const v1::Evaluation& evaluation) {
  return {.specialist = evaluation.specialist(),
          .kind = evaluation.kind(),
          .chunk = evaluation.chunk(),
          .step = evaluation.step(),
          .score_table = worker::FromProto(evaluation.score_table()),
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

template <typename Message>
Message* Begin(Message* message, const SendPublication& publication) {
  message->set_request_id(publication.request_id);
  *message->mutable_task() = ToProto(publication.task);
  return message;
}

Welcomed FromProto(const v1::Welcome& welcome) {
  Welcomed out;
  out.plan.digest = welcome.plan_digest();
  for (const v1::Chunk& chunk : welcome.plan().chunks()) out.plan.chunks.push_back(chunk.name());
  out.plan.checkpoint_period = absl::Seconds(welcome.plan().checkpoints().period_seconds());
  out.plan.pair_together = welcome.plan().scheduling().pair_together();
  out.plan.stall = absl::Seconds(welcome.plan().scheduling().stall_seconds());
  out.next_report_in = FromProto(welcome.next_report_in());
  for (const v1::DataManifest& manifest : welcome.manifests()) out.manifests.push_back(FromProto(manifest));
  for (const v1::ChunkOnBox& chunk : welcome.chunks()) out.chunk_sha256[chunk.chunk()] = chunk.sha256();
  return out;
}

Assigned FromProto(const v1::Assignment& assignment) {
  Assigned out{
      .task = FromProto(assignment.task()), .next_chunk = assignment.next_chunk(), .base = {}, .memory = {}};
  if (assignment.has_base()) out.base = FromProto(assignment.base());
  return out;
}

RoundIsReady FromProto(const v1::RoundReady& round) {
  RoundIsReady out{.chunk = round.chunk(), .evaluations = {}, .last = round.last()};
  for (const v1::Evaluation& evaluation : round.evaluations())
    out.evaluations.push_back(FromProto(evaluation));
  return out;
}

// A rejection is never OK, whatever code stands in it.
absl::Status FromProto(const v1::Rejected& rejected) {
  const auto code = static_cast<absl::StatusCode>(rejected.code());
  return {code == absl::StatusCode::kOk ? absl::StatusCode::kUnknown : code, ToAbsl(rejected.text())};
}

}  // namespace

v1::Digest ToProto(const Digest& digest) {
  v1::Digest out;
  out.set_sha256(digest.hex);
  out.set_size_bytes(digest.size_bytes);
  return out;
}

Digest FromProto(const v1::Digest& digest) { return {digest.sha256(), digest.size_bytes()}; }

v1::Inventory ToProto(const ChunkFiles& files) {
  v1::Inventory out;
  for (const auto& [name, file] : files) {
    v1::ChunkOnBox* chunk = out.add_chunks();
    chunk->set_chunk(name);
    chunk->set_size_bytes(file.size_bytes);
    chunk->set_sha256(file.sha256);
  }
  return out;
}

v1::WorkerUpdate ToProto(const SendHello& hello, const Speaker& speaker) {
  v1::WorkerUpdate update;
  v1::Hello* out = update.mutable_hello();
  out->set_protocol(kProtocolVersion);
  out->set_member(speaker.member);
  out->set_box(speaker.box);
  out->set_incarnation(speaker.incarnation);
  out->mutable_device()->set_name(speaker.device_name);
  out->mutable_device()->set_model(speaker.device_model);
  *out->mutable_inventory() = ToProto(hello.files);
  for (const TaskTerm& task : hello.held) *out->add_held() = ToProto(task);
  out->set_plan_digest(hello.plan_digest);
  if (speaker.last_coordinator.number() > 0) *out->mutable_last_coordinator() = speaker.last_coordinator;
  return update;
}

v1::WorkerUpdate ToProto(const SendChunkFiles& files) {
  v1::WorkerUpdate update;
  *update.mutable_inventory() = ToProto(files.files);
  return update;
}

v1::WorkerUpdate ToProto(const SendProgress& progress) {
  v1::WorkerUpdate update;
  v1::Progress* out = update.mutable_progress();
  *out->mutable_task() = ToProto(progress.task);
  out->set_phase(ToProto(progress.at.phase));
  *out->mutable_cursor() = ToProto(progress.at.cursor);
  out->set_step(progress.at.step);
  out->set_chunk_steps(progress.at.chunk_steps);
  out->set_loss(progress.at.loss);
  out->set_samples_per_second(progress.at.samples_per_second);
  out->set_data_wait_share(progress.at.data_wait_share);
  out->set_training_seconds(progress.at.training_seconds);
  out->set_activity(progress.activity);
  out->set_trouble(progress.trouble);
  return update;
}

v1::WorkerUpdate ToProto(const SendPublication& publication) {
  v1::WorkerUpdate update;
  if (const auto* manifest = std::get_if<ManifestFact>(&publication.body)) {
    *Begin(update.mutable_data_manifest(), publication)->mutable_manifest() = ToProto(*manifest);
  } else if (const auto* checkpoint = std::get_if<CheckpointFact>(&publication.body)) {
    *Begin(update.mutable_checkpoint(), publication)->mutable_checkpoint() = ToProto(*checkpoint);
  } else if (const auto* evaluation = std::get_if<EvaluationFact>(&publication.body)) {
    *Begin(update.mutable_evaluation(), publication)->mutable_evaluation() = ToProto(*evaluation);
  } else if (const auto* finished = std::get_if<ChunkFinishedFact>(&publication.body)) {
    v1::ChunkFinished* out = Begin(update.mutable_chunk_finished(), publication);
    out->set_chunk(finished->chunk);
    out->set_step(finished->step);
    out->set_training_seconds(finished->training_seconds);
  } else if (const auto* failure = std::get_if<FailureFact>(&publication.body)) {
    v1::TaskFailed* out = Begin(update.mutable_task_failed(), publication);
    out->set_code(failure->code);
    out->set_text(failure->text);
    out->set_retryable(failure->retryable);
  }
  return update;
}

v1::WorkerUpdate ToProto(const SendGoodbye& goodbye) {
  v1::WorkerUpdate update;
  update.mutable_goodbye()->set_reason(goodbye.reason);
  return update;
}

absl::StatusOr<SessionInput> FromProto(const v1::Directive& directive) {
  switch (directive.directive_case()) {
    case v1::Directive::kAssignment:
      return FromProto(directive.assignment());
    case v1::Directive::kRenewed:
      return LeaseRenewed{FromProto(directive.renewed().next_report_in())};
    case v1::Directive::kSaveNow:
      return SaveNowAsked{FromProto(directive.save_now().task())};
    case v1::Directive::kDrain:
      return DrainAsked{directive.drain().reason()};
    case v1::Directive::kDrop:
      return Dropped{FromProto(directive.drop().task()), directive.drop().reason()};
    case v1::Directive::kAccepted:
      return Answered{directive.accepted().request_id(), absl::OkStatus()};
    case v1::Directive::kRejected:
      return Answered{directive.rejected().request_id(), FromProto(directive.rejected())};
    case v1::Directive::kWelcome:
      return FromProto(directive.welcome());
    case v1::Directive::kManifest:
      return ManifestCommitted{FromProto(directive.manifest().manifest())};
    case v1::Directive::kRoundReady:
      return FromProto(directive.round_ready());
    case v1::Directive::DIRECTIVE_NOT_SET:
      break;
  }
  return InvalidArgument(
      "the coordinator sent a directive that this worker does not know: update this worker");
}

}  // namespace interceptor::worker
