#include "worker/agent/convert.h"

#include "common/base/status.h"

namespace interceptor::worker {
namespace {

using interceptor::FromProto;
using interceptor::ToProto;

constexpr int kProtocolVersion = 1;

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

absl::StatusOr<SessionInput> FromProto(const v1::Assignment& assignment) {
  Assigned out{
      .task = FromProto(assignment.task()), .next_chunk = assignment.next_chunk(), .base = {}, .memory = {}};
  for (const v1::SamplingWeight& weight : assignment.sampling()) out.sampling.push_back(FromProto(weight));
  if (assignment.has_base()) {
    ICPT_ASSIGN_OR_RETURN(out.base, FromProto(assignment.base()));
  }
  return out;
}

// A rejection is never OK, whatever code stands in it.
absl::Status FromProto(const v1::Rejected& rejected) {
  const auto code = static_cast<absl::StatusCode>(rejected.code());
  return {code == absl::StatusCode::kOk ? absl::StatusCode::kUnknown : code, ToAbsl(rejected.text())};
}

}  // namespace

v1::Inventory ToProto(const ChunkFiles& files) {
  v1::Inventory out;
  for (const auto& [name, file] : files) {
    v1::ChunkOnBox* chunk = out.add_chunks();
    chunk->set_chunk(name);
    chunk->set_size_bytes(file.size_bytes);
    chunk->set_sha256(file.sha256);
    chunk->set_problem(file.problem);
    chunk->set_needs_action(file.needs_action);
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
  for (const TaskRef& task : hello.held) *out->add_held() = ToProto(task);
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
  *update.mutable_progress() = ToProto(progress.progress);
  return update;
}

v1::WorkerUpdate ToProto(const SendPublication& publication) {
  v1::WorkerUpdate update;
  if (const auto* manifest = std::get_if<DataManifest>(&publication.body)) {
    *Begin(update.mutable_data_manifest(), publication)->mutable_manifest() = ToProto(*manifest);
  } else if (const auto* checkpoint = std::get_if<Checkpoint>(&publication.body)) {
    *Begin(update.mutable_checkpoint(), publication)->mutable_checkpoint() = ToProto(*checkpoint);
  } else if (const auto* evaluation = std::get_if<Evaluation>(&publication.body)) {
    *Begin(update.mutable_evaluation(), publication)->mutable_evaluation() = ToProto(*evaluation);
  } else if (const auto* finished = std::get_if<ChunkFinished>(&publication.body)) {
    v1::ChunkFinished* out = Begin(update.mutable_chunk_finished(), publication);
    out->set_chunk(finished->chunk);
    out->set_step(finished->step);
    out->set_training_seconds(finished->training_seconds);
  } else if (const auto* failure = std::get_if<Failure>(&publication.body)) {
    v1::TaskFailed* out = Begin(update.mutable_task_failed(), publication);
    out->set_code(absl::StatusCodeToString(failure->code));
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
    case v1::Directive::kRoundReady: {
      ICPT_ASSIGN_OR_RETURN(Round round, FromProto(directive.round_ready()));
      return RoundIsReady{std::move(round)};
    }
    case v1::Directive::DIRECTIVE_NOT_SET:
      break;
  }
  return InvalidArgument(
      "the coordinator sent a directive that this worker does not know: update this worker");
}

}  // namespace interceptor::worker
