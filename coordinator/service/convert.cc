#include "coordinator/service/convert.h"

#include "common/base/status.h"
#include "common/plan/plan.h"
#include "coordinator/service/service_fields.h"
#include "coordinator/service/version.h"

namespace interceptor::coordinator {
namespace {

google::protobuf::Message& Part(v1::Directive& out, const Assignment&) { return *out.mutable_assignment(); }
google::protobuf::Message& Part(v1::Directive& out, const Renewed&) { return *out.mutable_renewed(); }
google::protobuf::Message& Part(v1::Directive& out, const SaveNow&) { return *out.mutable_save_now(); }
google::protobuf::Message& Part(v1::Directive& out, const Drain&) { return *out.mutable_drain(); }
google::protobuf::Message& Part(v1::Directive& out, const Drop&) { return *out.mutable_drop(); }
google::protobuf::Message& Part(v1::Directive& out, const ManifestFact&) { return *out.mutable_manifest(); }
google::protobuf::Message& Part(v1::Directive& out, const RoundReady&) { return *out.mutable_round_ready(); }

}  // namespace

PlanFacts ToPlanFacts(const v1::Plan& plan) {
  PlanFacts facts;
  facts.name = plan.name();
  facts.digest = PlanDigest(plan);
  for (const v1::Member& member : plan.members()) {
    facts.members.push_back(
        {member.name(), {member.specialists().begin(), member.specialists().end()}, member.integrates()});
  }
  for (const v1::Chunk& chunk : plan.chunks()) facts.chunks.push_back({chunk.name(), chunk.sha256()});
  facts.lease_ttl = absl::Seconds(plan.scheduling().lease_ttl_seconds());
  facts.handover = absl::Seconds(plan.scheduling().handover_seconds());
  facts.stall = absl::Seconds(plan.scheduling().stall_seconds());
  facts.checkpoint_period = absl::Seconds(plan.checkpoints().period_seconds());
  facts.keep_latest = plan.checkpoints().keep_latest();
  facts.vault_bytes_max = plan.checkpoints().vault_bytes_max();
  return facts;
}

std::vector<ChunkOnBox> FromProto(const v1::Inventory& inventory) {
  std::vector<ChunkOnBox> chunks;
  MessageReader{inventory}(chunks);
  return chunks;
}

Hello FromProto(const v1::Hello& hello) {
  Hello out;
  Read(hello, out).IgnoreError();  // without words that could be none of ours
  return out;
}

v1::Checkpoint ToProto(const CheckpointFacts& checkpoint) { return MessageOf<v1::Checkpoint>(checkpoint); }
v1::TaskStatus ToProto(const TaskView& task) { return MessageOf<v1::TaskStatus>(task); }
v1::WorkerStatus ToProto(const WorkerView& worker) { return MessageOf<v1::WorkerStatus>(worker); }
v1::ChunkStatus ToProto(const ChunkView& chunk) { return MessageOf<v1::ChunkStatus>(chunk); }

v1::Directive ToProto(const Directive& directive) {
  v1::Directive out;
  std::visit([&](const auto& value) { Write(value, Part(out, value)); }, directive);
  return out;
}

v1::Directive ToProto(const Welcome& welcome, const v1::Plan& plan, const std::string& plan_digest) {
  v1::Directive out;
  v1::Welcome& message = *out.mutable_welcome();
  Write(welcome, message);
  *message.mutable_plan() = plan;
  message.set_plan_digest(plan_digest);
  message.mutable_coordinator()->set_plan_digest(plan_digest);
  return out;
}

v1::Event ToProto(const NumberedFact& fact) {
  const EventLine line = Describe(fact.fact.body);
  v1::Event out;
  out.set_number(fact.number);
  *out.mutable_at() = ToProto(fact.fact.at);
  out.set_kind(line.kind);
  out.set_subject(line.subject);
  out.set_text(line.text);
  return out;
}

v1::GetStatusResponse ToProto(const Snapshot& snapshot, Exposure exposure) {
  const StatusView& v = snapshot.view;
  const auto health =
      v.problems.empty() ? v1::GetStatusResponse::HEALTH_OK : v1::GetStatusResponse::HEALTH_DEGRADED;
  v1::GetStatusResponse out;
  MessageWriter{out}(v.plan_name, v.plan_digest, health, v.problems, v.paused,
                     exposure == Exposure::kInsecure, v.done, v.tasks, v.workers, v.events, v.vault_bytes,
                     v.disk_free_bytes, v.quarantined, v.rounds_finished, v.started_at, snapshot.at,
                     std::string(kVersion), v.chunks_total);
  return out;
}

}  // namespace interceptor::coordinator
