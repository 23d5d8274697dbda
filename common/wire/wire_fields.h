// The fields of those facts that only the wire has, or has in its own form.
#pragma once

#include "common/facts/round.h"
#include "common/message/fact_fields.h"

namespace interceptor {

// Whether it is pinned is no part of a checkpoint that is proposed or handed out.
void Fields(auto& visit, Is<Checkpoint> auto& c) {
  visit(c.id, c.specialist, c.blob, c.step, c.cursor, c.training_seconds, c.manifests, NoField{},
        c.committed_at, ReasonWord(c.reason));
}

void Fields(auto& visit, Is<Progress> auto& p) {
  visit(p.task, p.phase, p.cursor, p.step, p.chunk_steps, p.loss, p.samples_per_second, p.data_wait_share,
        p.training_seconds, p.activity, p.trouble, p.gradient_norm);
}

void Fields(auto& visit, Is<AbsentSpecialist> auto& a) { visit(a.specialist, a.reason); }
void Fields(auto& visit, Is<Round> auto& r) { visit(r.chunk, r.evaluations, r.last, r.absent); }

}  // namespace interceptor
