// The fields of the core's values, as the messages of proto/interceptor/v1 have them.
#pragma once

#include "common/wire/wire_fields.h"
#include "coordinator/core/command.h"
#include "coordinator/core/effect.h"
#include "coordinator/core/status_view.h"

namespace interceptor::coordinator {

void Fields(auto& visit, Is<ChunkOnBox> auto& c) {
  visit(c.chunk, c.size_bytes, c.sha256, c.problem, c.needs_action);
}
void Fields(auto& visit, Is<Device> auto& d) { visit(d.name, d.model); }
void Fields(auto& visit, Is<LastCoordinator> auto& last) {
  visit(last.incarnation.number, last.incarnation.nonce, last.plan_digest);
}
void Fields(auto& visit, Is<Hello> auto& h) {
  const auto inventory = [&](auto& nested) { nested(h.chunks); };
  visit(h.protocol, h.member, h.box, h.incarnation, h.device, inventory, h.held, h.plan_digest,
        h.last_coordinator);
}

void Fields(auto& visit, Is<ManifestProposed> auto& c) { visit(c.request_id, c.task, c.manifest); }
void Fields(auto& visit, Is<CheckpointProposed> auto& c) { visit(c.request_id, c.task, c.checkpoint); }
void Fields(auto& visit, Is<EvaluationReported> auto& c) { visit(c.request_id, c.task, c.evaluation); }
void Fields(auto& visit, Is<ChunkFinished> auto& c) {
  visit(c.request_id, c.task, c.chunk, c.step, c.training_seconds);
}
void Fields(auto& visit, Is<TaskFailed> auto& c) {
  visit(c.request_id, c.task, c.failure.code, c.failure.text, c.failure.retryable);
}

void Fields(auto& visit, Is<Assignment> auto& d) {
  visit(d.task, d.next_chunk, d.base, d.lease_ttl, d.sampling);
}
void Fields(auto& visit, Is<Renewed> auto& d) { visit(d.task, d.through_update, d.next_report_in); }
void Fields(auto& visit, Is<SaveNow> auto& d) { visit(d.task); }
void Fields(auto& visit, Is<Drain> auto& d) { visit(d.reason); }
void Fields(auto& visit, Is<Drop> auto& d) { visit(d.task, d.reason); }
void Fields(auto& visit, Is<ManifestFact> auto& d) { visit(d.manifest); }
void Fields(auto& visit, Is<RoundReady> auto& d) { Fields(visit, d.round); }
// The plan and its digest are the service's.
void Fields(auto& visit, Is<Welcome> auto& w) {
  const auto coordinator = [&](auto& nested) {
    nested(w.coordinator.number, w.coordinator.nonce, NoField{});
  };
  visit(NoField{}, NoField{}, w.next_report_in, w.manifests, w.chunks, coordinator);
}

void Fields(auto& visit, Is<CheckpointFacts> auto& facts) {
  const auto& c = facts.checkpoint;
  visit(c.id, c.specialist, c.blob, c.step, c.cursor, c.training_seconds, c.manifests, facts.pinned,
        c.committed_at, ReasonWord(c.reason));
}
void Fields(auto& visit, Is<TaskView> auto& v) {
  const Progress p = v.progress.value_or(Progress());
  const auto cursor = v.progress ? std::optional(p.cursor) : std::nullopt;
  const auto since =
      v.since_progress == absl::InfiniteDuration() ? std::nullopt : std::optional(v.since_progress);
  const auto saved_at =
      v.newest_checkpoint ? std::optional(v.newest_checkpoint->checkpoint.committed_at) : std::nullopt;
  visit(v.task, v.home_member, v.holder_member, v.holder_box, v.term, v.state, v.reason, p.phase,
        v.chunks_finished, v.chunks_total, cursor, p.step, p.chunk_steps, p.loss, p.samples_per_second,
        p.data_wait_share, p.training_seconds, since, v.lease_left, v.newest_checkpoint, v.newest_held_out,
        saved_at, v.checkpoint_overdue, p.gradient_norm, v.newest_validation);
}
void Fields(auto& visit, Is<WorkerView> auto& v) {
  visit(v.member, v.box, v.incarnation, v.device, v.connected, v.draining, v.since_seen, v.chunks, v.tasks);
}
void Fields(auto& visit, Is<ChunkProblem> auto& p) { visit(p.member, p.text, p.needs_action); }
void Fields(auto& visit, Is<ChunkView> auto& v) {
  visit(v.chunk, v.sha256, v.size_bytes, v.manifest, v.members, v.differing_members, v.finished_by,
        v.problems);
}

}  // namespace interceptor::coordinator
