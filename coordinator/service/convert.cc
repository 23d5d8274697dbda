#include "coordinator/service/convert.h"

#include <utility>

#include "common/base/status.h"
#include "common/plan/plan.h"
#include "coordinator/service/version.h"

namespace interceptor::coordinator {
namespace {

v1::ChunkOnBox ToProto(const ChunkOnBox& chunk) {
  v1::ChunkOnBox out;
  out.set_chunk(chunk.chunk);
  out.set_size_bytes(chunk.size_bytes);
  out.set_sha256(chunk.sha256);
  out.set_problem(chunk.problem);
  out.set_needs_action(chunk.needs_action);
  return out;
}

v1::TaskStatus::State ToProto(TaskState state) {
  switch (state) {
    case TaskState::kWaiting:
      return v1::TaskStatus::STATE_WAITING;
    case TaskState::kRunning:
      return v1::TaskStatus::STATE_RUNNING;
    case TaskState::kPaused:
      return v1::TaskStatus::STATE_PAUSED;
    case TaskState::kDone:
      return v1::TaskStatus::STATE_DONE;
  }
  return v1::TaskStatus::STATE_UNSPECIFIED;
}

struct DirectiveWriter {
  v1::Directive out;

  void operator()(const Assignment& assignment) {
    v1::Assignment& message = *out.mutable_assignment();
    *message.mutable_task() = ToProto(assignment.task);
    message.set_next_chunk(assignment.next_chunk);
    if (assignment.base.has_value()) *message.mutable_base() = ToProto(*assignment.base);
    *message.mutable_lease_ttl() = interceptor::ToProto(assignment.lease_ttl);
  }
  void operator()(const Renewed& renewed) {
    v1::Renewed& message = *out.mutable_renewed();
    *message.mutable_task() = ToProto(renewed.task);
    message.set_through_update(renewed.through_update);
    *message.mutable_next_report_in() = interceptor::ToProto(renewed.next_report_in);
  }
  void operator()(const SaveNow& save) { *out.mutable_save_now()->mutable_task() = ToProto(save.task); }
  void operator()(const Drain& drain) { out.mutable_drain()->set_reason(drain.reason); }
  void operator()(const Drop& drop) {
    *out.mutable_drop()->mutable_task() = ToProto(drop.task);
    out.mutable_drop()->set_reason(drop.reason);
  }
  void operator()(const ManifestFact& fact) {
    *out.mutable_manifest()->mutable_manifest() = ToProto(fact.manifest);
  }
  void operator()(const RoundReady& ready) { *out.mutable_round_ready() = ToProto(ready.round); }
};

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
  for (const v1::ChunkOnBox& chunk : inventory.chunks()) {
    chunks.push_back(
        {chunk.chunk(), chunk.size_bytes(), chunk.sha256(), chunk.problem(), chunk.needs_action()});
  }
  return chunks;
}

Hello FromProto(const v1::Hello& hello) {
  Hello out;
  out.protocol = hello.protocol();
  out.member = hello.member();
  out.box = hello.box();
  out.incarnation = hello.incarnation();
  out.device = {hello.device().name(), hello.device().model()};
  out.chunks = FromProto(hello.inventory());
  for (const v1::TaskRef& task : hello.held()) out.held.push_back(FromProto(task));
  out.plan_digest = hello.plan_digest();
  const v1::CoordinatorIncarnation& last = hello.last_coordinator();
  out.last_coordinator = {last.plan_digest(), {last.number(), last.nonce()}};
  return out;
}

v1::Checkpoint ToProto(const CheckpointView& checkpoint) {
  v1::Checkpoint out = ToProto(checkpoint.checkpoint);
  out.set_pinned(checkpoint.pinned);
  return out;
}

v1::Directive ToProto(const Directive& directive) {
  DirectiveWriter writer;
  std::visit(writer, directive);
  return std::move(writer.out);
}

v1::Directive ToProto(const Welcome& welcome, const v1::Plan& plan, const std::string& plan_digest) {
  v1::Directive out;
  v1::Welcome& message = *out.mutable_welcome();
  *message.mutable_plan() = plan;
  message.set_plan_digest(plan_digest);
  message.mutable_coordinator()->set_number(welcome.coordinator.number);
  message.mutable_coordinator()->set_nonce(welcome.coordinator.nonce);
  message.mutable_coordinator()->set_plan_digest(plan_digest);
  *message.mutable_next_report_in() = ToProto(welcome.next_report_in);
  for (const DataManifest& manifest : welcome.manifests) *message.add_manifests() = ToProto(manifest);
  for (const ChunkOnBox& chunk : welcome.chunks) *message.add_chunks() = ToProto(chunk);
  return out;
}

v1::TaskStatus ToProto(const TaskView& task) {
  v1::TaskStatus out;
  out.set_task(task.task);
  out.set_home_member(task.home_member);
  out.set_holder_member(task.holder_member);
  out.set_holder_box(task.holder_box);
  out.set_term(task.term);
  out.set_state(ToProto(task.state));
  out.set_reason(task.reason);
  out.set_chunks_finished(task.chunks_finished);
  out.set_chunks_total(task.chunks_total);
  if (task.progress.has_value()) {
    const Progress& progress = *task.progress;
    out.set_phase(ToProto(progress.phase));
    *out.mutable_cursor() = ToProto(progress.cursor);
    out.set_step(progress.step);
    out.set_chunk_steps(progress.chunk_steps);
    out.set_loss(progress.loss);
    out.set_gradient_norm(progress.gradient_norm);
    out.set_samples_per_second(progress.samples_per_second);
    out.set_data_wait_share(progress.data_wait_share);
    out.set_training_seconds(progress.training_seconds);
  }
  if (task.since_progress != absl::InfiniteDuration()) {
    *out.mutable_since_progress() = ToProto(task.since_progress);
  }
  *out.mutable_lease_left() = ToProto(task.lease_left);
  if (task.newest_checkpoint.has_value()) {
    *out.mutable_newest_checkpoint() = ToProto(*task.newest_checkpoint);
    *out.mutable_last_checkpoint_at() = out.newest_checkpoint().committed_at();
  }
  if (task.newest_held_out.has_value()) *out.mutable_newest_held_out() = ToProto(*task.newest_held_out);
  out.set_checkpoint_overdue(task.checkpoint_overdue);
  return out;
}

v1::WorkerStatus ToProto(const WorkerView& worker) {
  v1::WorkerStatus out;
  out.set_member(worker.member);
  out.set_box(worker.box);
  out.set_incarnation(worker.incarnation);
  out.mutable_device()->set_name(worker.device.name);
  out.mutable_device()->set_model(worker.device.model);
  out.set_connected(worker.connected);
  out.set_draining(worker.draining);
  *out.mutable_since_seen() = ToProto(worker.since_seen);
  if (worker.chunks != nullptr) {
    for (const ChunkOnBox& chunk : *worker.chunks) *out.add_chunks() = ToProto(chunk);
  }
  for (const std::string& task : worker.tasks) out.add_tasks(task);
  return out;
}

v1::ChunkStatus ToProto(const ChunkView& chunk) {
  v1::ChunkStatus out;
  out.set_chunk(chunk.chunk);
  out.set_sha256(chunk.sha256);
  out.set_size_bytes(chunk.size_bytes);
  if (chunk.manifest.has_value()) *out.mutable_manifest() = ToProto(*chunk.manifest);
  for (const std::string& member : chunk.members) out.add_members(member);
  for (const std::string& member : chunk.differing_members) out.add_differing_members(member);
  for (const std::string& specialist : chunk.finished_by) out.add_finished_by(specialist);
  for (const ChunkProblem& problem : chunk.problems) {
    v1::ChunkProblem* added = out.add_problems();
    added->set_member(problem.member);
    added->set_text(problem.text);
    added->set_needs_action(problem.needs_action);
  }
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
  const StatusView& view = snapshot.view;
  v1::GetStatusResponse out;
  out.set_plan_name(view.plan_name);
  out.set_plan_digest(view.plan_digest);
  out.set_health(view.problems.empty() ? v1::GetStatusResponse::HEALTH_OK
                                       : v1::GetStatusResponse::HEALTH_DEGRADED);
  for (const std::string& problem : view.problems) out.add_problems(problem);
  out.set_paused(view.paused);
  out.set_insecure(exposure == Exposure::kInsecure);
  out.set_done(view.done);
  for (const TaskView& task : view.tasks) *out.add_tasks() = ToProto(task);
  for (const WorkerView& worker : view.workers) *out.add_workers() = ToProto(worker);
  out.set_events(view.events);
  out.set_vault_bytes(view.vault_bytes);
  out.set_disk_free_bytes(view.disk_free_bytes);
  out.set_quarantined(view.quarantined);
  out.set_rounds_finished(view.rounds_finished);
  *out.mutable_started_at() = ToProto(view.started_at);
  *out.mutable_at() = ToProto(snapshot.at);
  out.set_version(std::string(kVersion));
  out.set_chunks_total(view.chunks_total);
  return out;
}

}  // namespace interceptor::coordinator
