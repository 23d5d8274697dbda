#include "tests/simulation/messages.h"

#include "common/base/status.h"

namespace interceptor::simulation {
namespace {

coordinator::TaskRef ToRef(const worker::TaskTerm& task) { return {task.task, task.term}; }
worker::TaskTerm ToTerm(const coordinator::TaskRef& ref) { return {ref.task, ref.term}; }

coordinator::Cursor Convert(const worker::Cursor& cursor) {
  return {cursor.chunk, cursor.epoch, cursor.position, cursor.seed};
}

std::vector<coordinator::ChunkOnBox> Convert(const worker::ChunkFiles& files) {
  std::vector<coordinator::ChunkOnBox> chunks;
  for (const auto& [name, file] : files) chunks.push_back({name, file.size_bytes, file.sha256});
  return chunks;
}

coordinator::Phase Convert(worker::WorkPhase phase) {
  switch (phase) {
    case worker::WorkPhase::kWaitingForData:
      return coordinator::Phase::kWaitingForData;
    case worker::WorkPhase::kPreparing:
      return coordinator::Phase::kPreparing;
    case worker::WorkPhase::kWaitingForTurn:
      return coordinator::Phase::kWaitingForTurn;
    case worker::WorkPhase::kTraining:
      return coordinator::Phase::kTraining;
    case worker::WorkPhase::kEvaluating:
      return coordinator::Phase::kEvaluating;
    case worker::WorkPhase::kSaving:
      return coordinator::Phase::kSaving;
    case worker::WorkPhase::kIntegrating:
      return coordinator::Phase::kIntegrating;
  }
  return coordinator::Phase::kUnknown;
}

worker::ManifestFact Convert(const coordinator::DataManifest& manifest) {
  return {manifest.chunk,    manifest.blob,        manifest.chunk_sha256, manifest.clips,
          manifest.families, manifest.quarantined, manifest.view_bytes};
}

worker::CheckpointFact Convert(const coordinator::Checkpoint& checkpoint) {
  const coordinator::Cursor& cursor = checkpoint.cursor;
  return {.specialist = checkpoint.specialist,
          .blob = checkpoint.blob,
          .step = checkpoint.step,
          .cursor = {cursor.chunk, cursor.epoch, cursor.position, cursor.seed},
          .training_seconds = checkpoint.training_seconds,
          .manifests = checkpoint.manifests,
          .reason = std::string(coordinator::ToString(checkpoint.reason))};
}

worker::EvaluationFact Convert(const coordinator::Evaluation& evaluation) {
  return {.specialist = evaluation.specialist,
          .kind = std::string(coordinator::ToString(evaluation.kind)),
          .chunk = evaluation.chunk,
          .step = evaluation.step,
          .score_table = evaluation.score_table,
          .reals = evaluation.reals,
          .fakes = evaluation.fakes,
          .families = evaluation.families,
          .auc = evaluation.auc,
          .auc_low = evaluation.auc_low,
          .auc_high = evaluation.auc_high,
          .log_loss = evaluation.log_loss,
          .real_accuracy = evaluation.real_accuracy,
          .fake_accuracy = evaluation.fake_accuracy,
          .too_few = evaluation.too_few};
}

// The body of a publication as the command it becomes.
struct Mutation {
  coordinator::SessionId session;
  const std::string& request_id;
  coordinator::TaskRef task;

  coordinator::CommandBody operator()(const worker::ManifestFact& fact) const {
    const coordinator::DataManifest manifest{fact.chunk,    fact.blob,        fact.chunk_sha256, fact.clips,
                                             fact.families, fact.quarantined, fact.view_bytes};
    return coordinator::ManifestProposed{session, request_id, task, manifest};
  }
  coordinator::CommandBody operator()(const worker::CheckpointFact& fact) const {
    coordinator::Checkpoint checkpoint;
    checkpoint.specialist = fact.specialist;
    checkpoint.blob = fact.blob;
    checkpoint.step = fact.step;
    checkpoint.cursor = Convert(fact.cursor);
    checkpoint.training_seconds = fact.training_seconds;
    checkpoint.manifests = fact.manifests;
    checkpoint.reason = coordinator::ParseSaveReason(fact.reason).value_or(coordinator::SaveReason::kSaveNow);
    return coordinator::CheckpointProposed{session, request_id, task, checkpoint};
  }
  coordinator::CommandBody operator()(const worker::EvaluationFact& fact) const {
    coordinator::Evaluation evaluation;
    evaluation.specialist = fact.specialist;
    evaluation.kind =
        coordinator::ParseEvaluationKind(fact.kind).value_or(coordinator::EvaluationKind::kHeldOut);
    evaluation.chunk = fact.chunk;
    evaluation.step = fact.step;
    evaluation.score_table = fact.score_table;
    evaluation.reals = fact.reals;
    evaluation.fakes = fact.fakes;
    evaluation.families = fact.families;
    evaluation.auc = fact.auc;
    evaluation.auc_low = fact.auc_low;
    evaluation.auc_high = fact.auc_high;
    return coordinator::EvaluationReported{session, request_id, task, evaluation};
  }
  coordinator::CommandBody operator()(const worker::ChunkFinishedFact& fact) const {
    return coordinator::ChunkFinished{session,    request_id, task,
                                      fact.chunk, fact.step,  fact.training_seconds};
  }
  coordinator::CommandBody operator()(const worker::FailureFact& fact) const {
    return coordinator::TaskFailed{session, request_id, task, fact.code, fact.text, fact.retryable};
  }
};

coordinator::Progress Convert(const worker::SendProgress& sent) {
  return {.task = ToRef(sent.task),
          .phase = Convert(sent.at.phase),
          .cursor = Convert(sent.at.cursor),
          .step = sent.at.step,
          .chunk_steps = sent.at.chunk_steps,
          .loss = sent.at.loss,
          .samples_per_second = sent.at.samples_per_second,
          .data_wait_share = sent.at.data_wait_share,
          .training_seconds = sent.at.training_seconds,
          .activity = sent.activity,
          .trouble = sent.trouble};
}

worker::Welcomed Convert(const coordinator::Welcome& welcome, const Options& options) {
  worker::Welcomed out;
  out.plan.digest = options.plan.digest;
  for (const coordinator::PlanChunk& chunk : options.plan.chunks) out.plan.chunks.push_back(chunk.name);
  out.plan.checkpoint_period = options.plan.checkpoint_period;
  out.plan.stall = options.plan.stall;
  out.next_report_in = welcome.next_report_in;
  for (const coordinator::DataManifest& manifest : welcome.manifests)
    out.manifests.push_back(Convert(manifest));
  for (const coordinator::ChunkOnBox& chunk : welcome.chunks) out.chunk_sha256[chunk.chunk] = chunk.sha256;
  return out;
}

struct ToSessionInput {
  worker::SessionInput operator()(const coordinator::Assignment& assignment) const {
    worker::Assigned out{
        .task = ToTerm(assignment.task), .next_chunk = assignment.next_chunk, .base = {}, .memory = {}};
    if (assignment.base) out.base = Convert(*assignment.base);
    return out;
  }
  worker::SessionInput operator()(const coordinator::Renewed& renewed) const {
    return worker::LeaseRenewed{renewed.next_report_in};
  }
  worker::SessionInput operator()(const coordinator::SaveNow& save) const {
    return worker::SaveNowAsked{ToTerm(save.task)};
  }
  worker::SessionInput operator()(const coordinator::Drain& drain) const {
    return worker::DrainAsked{drain.reason};
  }
  worker::SessionInput operator()(const coordinator::Drop& drop) const {
    return worker::Dropped{ToTerm(drop.task), drop.reason};
  }
  worker::SessionInput operator()(const coordinator::ManifestFact& fact) const {
    return worker::ManifestCommitted{Convert(fact.manifest)};
  }
  worker::SessionInput operator()(const coordinator::RoundReady& round) const {
    worker::RoundIsReady out{.chunk = round.chunk, .evaluations = {}, .last = round.last};
    for (const coordinator::Evaluation& evaluation : round.evaluations)
      out.evaluations.push_back(Convert(evaluation));
    return out;
  }
};

std::string Name(const worker::TaskTerm& task) { return Cat(task.task, "@", task.term); }
std::string Name(const coordinator::TaskRef& task) { return Cat(task.task, "@", task.term); }

struct PublicationText {
  std::string operator()(const worker::ManifestFact& fact) const {
    return Cat("manifest ", fact.chunk, " ", fact.blob.hex.substr(0, 8));
  }
  std::string operator()(const worker::CheckpointFact& fact) const {
    return Cat("checkpoint step ", fact.step, " ", fact.reason, " ", fact.blob.hex.substr(0, 8));
  }
  std::string operator()(const worker::EvaluationFact& fact) const {
    return Cat("evaluation ", fact.kind, " chunk ", fact.chunk);
  }
  std::string operator()(const worker::ChunkFinishedFact& fact) const {
    return Cat("chunk ", fact.chunk, " finished at step ", fact.step);
  }
  std::string operator()(const worker::FailureFact& fact) const {
    return Cat("failed ", fact.code, ": ", fact.text, fact.retryable ? "" : " (final)");
  }
};

struct UpdateText {
  std::string operator()(const HelloUpdate& update) const {
    std::string text =
        Cat("hello ", update.speaker.member, " box ", update.speaker.box.substr(0, 8), " holds");
    for (const worker::TaskTerm& task : update.hello.held) text += " " + Name(task);
    return text;
  }
  std::string operator()(const worker::SendChunkFiles& update) const {
    return Cat("chunk files ", update.files.size());
  }
  std::string operator()(const worker::SendProgress& update) const {
    return Cat("progress ", Name(update.task), " ", coordinator::ToString(Convert(update.at.phase)), " step ",
               update.at.step, " activity ", update.activity);
  }
  std::string operator()(const worker::SendPublication& update) const {
    return Cat(std::visit(PublicationText{}, update.body), " of ", Name(update.task), " request ",
               update.request_id.substr(0, 8));
  }
  std::string operator()(const worker::SendGoodbye& update) const { return Cat("goodbye: ", update.reason); }
};

struct DirectiveText {
  std::string operator()(const coordinator::Assignment& d) const {
    return Cat("assignment ", Name(d.task), " chunk ", d.next_chunk, " base ",
               d.base ? Cat(d.base->step, " ", d.base->blob.hex.substr(0, 8)) : "none");
  }
  std::string operator()(const coordinator::Renewed& d) const { return Cat("renewed ", Name(d.task)); }
  std::string operator()(const coordinator::SaveNow& d) const { return Cat("save now ", Name(d.task)); }
  std::string operator()(const coordinator::Drain& d) const { return Cat("drain: ", d.reason); }
  std::string operator()(const coordinator::Drop& d) const {
    return Cat("drop ", Name(d.task), ": ", d.reason);
  }
  std::string operator()(const coordinator::ManifestFact& d) const {
    return Cat("manifest of ", d.manifest.chunk);
  }
  std::string operator()(const coordinator::RoundReady& d) const { return Cat("round ", d.chunk); }
};

}  // namespace

coordinator::Hello ToHello(const HelloUpdate& update) {
  coordinator::Hello hello;
  hello.protocol = 1;
  hello.member = update.speaker.member;
  hello.box = update.speaker.box;
  hello.incarnation = update.speaker.incarnation;
  hello.device = {"cpu", "simulated"};
  hello.chunks = Convert(update.hello.files);
  for (const worker::TaskTerm& task : update.hello.held) hello.held.push_back(ToRef(task));
  hello.plan_digest = update.hello.plan_digest;
  hello.last_coordinator = update.speaker.last_coordinator;
  return hello;
}

coordinator::CommandBody ToCommand(coordinator::SessionId session, const Update& update) {
  if (const auto* files = std::get_if<worker::SendChunkFiles>(&update.body)) {
    return coordinator::InventoryReported{session, Convert(files->files)};
  }
  if (const auto* progress = std::get_if<worker::SendProgress>(&update.body)) {
    return coordinator::ProgressReported{session, update.number, Convert(*progress)};
  }
  if (const auto* publication = std::get_if<worker::SendPublication>(&update.body)) {
    return std::visit(Mutation{session, publication->request_id, ToRef(publication->task)},
                      publication->body);
  }
  return coordinator::Goodbye{session, std::get<worker::SendGoodbye>(update.body).reason};
}

worker::SessionInput ToInput(const Directive& directive, const Options& options) {
  if (const auto* welcome = std::get_if<coordinator::Welcome>(&directive)) return Convert(*welcome, options);
  if (const auto* answer = std::get_if<MutationAnswer>(&directive)) {
    return worker::Answered{answer->request_id, answer->status};
  }
  return std::visit(ToSessionInput{}, std::get<coordinator::Directive>(directive));
}

std::string Describe(const Update& update) { return std::visit(UpdateText{}, update.body); }

std::string Describe(const Directive& directive) {
  if (std::holds_alternative<coordinator::Welcome>(directive)) return "welcome";
  if (const auto* answer = std::get_if<MutationAnswer>(&directive)) {
    return Cat("answer to ", answer->request_id.substr(0, 8), ": ", answer->status);
  }
  return std::visit(DirectiveText{}, std::get<coordinator::Directive>(directive));
}

}  // namespace interceptor::simulation
