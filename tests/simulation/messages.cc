#include "tests/simulation/messages.h"

#include "common/base/status.h"

namespace interceptor::simulation {
namespace {

std::vector<coordinator::ChunkOnBox> Convert(const worker::ChunkFiles& files) {
  std::vector<coordinator::ChunkOnBox> chunks;
  for (const auto& [name, file] : files) {
    chunks.push_back({name, file.size_bytes, file.sha256, file.problem, file.needs_action});
  }
  return chunks;
}

// The body of a publication as the command it becomes.
struct Mutation {
  coordinator::SessionId session;
  const std::string& request_id;
  TaskRef task;

  coordinator::CommandBody operator()(const DataManifest& manifest) const {
    return coordinator::ManifestProposed{session, request_id, task, manifest};
  }
  coordinator::CommandBody operator()(const Checkpoint& checkpoint) const {
    return coordinator::CheckpointProposed{session, request_id, task, checkpoint};
  }
  coordinator::CommandBody operator()(const Evaluation& evaluation) const {
    return coordinator::EvaluationReported{session, request_id, task, evaluation};
  }
  coordinator::CommandBody operator()(const worker::ChunkFinished& fact) const {
    return coordinator::ChunkFinished{session,    request_id, task,
                                      fact.chunk, fact.step,  fact.training_seconds};
  }
  coordinator::CommandBody operator()(const Failure& failure) const {
    return coordinator::TaskFailed{session, request_id, task, failure};
  }
};

worker::Welcomed Convert(const coordinator::Welcome& welcome, const Options& options) {
  worker::Welcomed out;
  out.plan.digest = options.plan.digest;
  for (const coordinator::PlanChunk& chunk : options.plan.chunks) out.plan.chunks.push_back(chunk.name);
  out.plan.checkpoint_period = options.plan.checkpoint_period;
  out.plan.stall = options.plan.stall;
  out.next_report_in = welcome.next_report_in;
  out.manifests = welcome.manifests;
  for (const coordinator::ChunkOnBox& chunk : welcome.chunks) out.chunk_sha256[chunk.chunk] = chunk.sha256;
  return out;
}

struct ToSessionInput {
  worker::SessionInput operator()(const coordinator::Assignment& assignment) const {
    worker::Assigned out{
        .task = assignment.task, .next_chunk = assignment.next_chunk, .base = {}, .memory = {}};
    out.sampling = assignment.sampling;
    if (assignment.base) out.base = *assignment.base;
    return out;
  }
  worker::SessionInput operator()(const coordinator::Renewed& renewed) const {
    return worker::LeaseRenewed{renewed.next_report_in};
  }
  worker::SessionInput operator()(const coordinator::SaveNow& save) const {
    return worker::SaveNowAsked{save.task};
  }
  worker::SessionInput operator()(const coordinator::Drain& drain) const {
    return worker::DrainAsked{drain.reason};
  }
  worker::SessionInput operator()(const coordinator::Drop& drop) const {
    return worker::Dropped{drop.task, drop.reason};
  }
  worker::SessionInput operator()(const coordinator::ManifestFact& fact) const {
    return worker::ManifestCommitted{fact.manifest};
  }
  worker::SessionInput operator()(const coordinator::RoundReady& ready) const {
    return worker::RoundIsReady{ready.round};
  }
};

std::string Name(const TaskRef& task) { return Cat(task.task, "@", task.term); }

struct PublicationText {
  std::string operator()(const DataManifest& fact) const {
    return Cat("manifest ", fact.chunk, " ", fact.blob.hex.substr(0, 8));
  }
  std::string operator()(const Checkpoint& fact) const {
    return Cat("checkpoint step ", fact.step, " ", ToString(fact.reason), " ", fact.blob.hex.substr(0, 8));
  }
  std::string operator()(const Evaluation& fact) const {
    return Cat("evaluation ", ToString(fact.kind), " chunk ", fact.chunk);
  }
  std::string operator()(const worker::ChunkFinished& fact) const {
    return Cat("chunk ", fact.chunk, " finished at step ", fact.step);
  }
  std::string operator()(const Failure& fact) const {
    return Cat("failed ", fact.code, ": ", fact.text, fact.retryable ? "" : " (final)");
  }
};

struct UpdateText {
  std::string operator()(const HelloUpdate& update) const {
    std::string text =
        Cat("hello ", update.speaker.member, " box ", update.speaker.box.substr(0, 8), " holds");
    for (const TaskRef& task : update.hello.held) text += " " + Name(task);
    return text;
  }
  std::string operator()(const worker::SendChunkFiles& update) const {
    return Cat("chunk files ", update.files.size());
  }
  std::string operator()(const worker::SendProgress& update) const {
    const Progress& at = update.progress;
    return Cat("progress ", Name(at.task), " ", ToString(at.phase), " step ", at.step, " activity ",
               at.activity);
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
  std::string operator()(const coordinator::RoundReady& d) const { return Cat("round ", d.round.chunk); }
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
  hello.held = update.hello.held;
  hello.plan_digest = update.hello.plan_digest;
  hello.last_coordinator = update.speaker.last_coordinator;
  return hello;
}

coordinator::CommandBody ToCommand(coordinator::SessionId session, const Update& update) {
  if (const auto* files = std::get_if<worker::SendChunkFiles>(&update.body)) {
    return coordinator::InventoryReported{session, Convert(files->files)};
  }
  if (const auto* progress = std::get_if<worker::SendProgress>(&update.body)) {
    return coordinator::ProgressReported{session, update.number, progress->progress};
  }
  if (const auto* publication = std::get_if<worker::SendPublication>(&update.body)) {
    return std::visit(Mutation{session, publication->request_id, publication->task}, publication->body);
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
