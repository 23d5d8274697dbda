// The fields of the facts of common/facts, as the messages of the wire and of the journal have them alike.
#pragma once

#include "common/base/digest.h"
#include "common/facts/bias.h"
#include "common/facts/checkpoint.h"
#include "common/facts/cursor.h"
#include "common/facts/evaluation.h"
#include "common/facts/manifest.h"
#include "common/facts/task.h"
#include "common/message/message_fields.h"

namespace interceptor {

void Fields(auto& visit, Is<Digest> auto& digest) { visit(digest.hex, digest.size_bytes); }
void Fields(auto& visit, Is<TaskRef> auto& ref) { visit(ref.task, ref.term); }
void Fields(auto& visit, Is<Cursor> auto& c) { visit(c.chunk, c.epoch, c.position, c.seed); }

void Fields(auto& visit, Is<DataManifest> auto& m) {
  visit(m.chunk, m.blob, m.chunk_sha256, m.clips, m.families, m.quarantined, m.view_bytes);
}

void Fields(auto& visit, Is<Gap> auto& gap) { visit(gap.estimate, gap.low, gap.high, gap.too_few); }
void Fields(auto& visit, Is<SliceBias> auto& s) {
  visit(s.attribute, s.slice, s.reals, s.fakes, s.real_families, s.fake_families, s.auc, s.real_fake,
        s.false_positive, s.false_negative, s.false_positive_p, s.false_negative_p, s.alarm);
}
void Fields(auto& visit, Is<BiasReport> auto& r) {
  visit(r.calibrated, r.reals, r.fakes, r.abstained, r.real_fake, r.spread, r.called_fake, r.collapsed,
        r.one_class, r.slices);
}
void Fields(auto& visit, Is<SamplingWeight> auto& w) { visit(w.attribute, w.slice, w.fake, w.share); }
void Fields(auto& visit, Is<Bias> auto& b) { visit(b.before, b.after, b.next_sampling); }

void Fields(auto& visit, Is<Evaluation> auto& e) {
  visit(e.specialist, Word{e.kind, ParseEvaluationKind, "held_out, look_ahead, validation"}, e.chunk, e.step,
        e.score_table, e.reals, e.fakes, e.families, e.auc, e.auc_low, e.auc_high, e.log_loss,
        e.real_accuracy, e.fake_accuracy, e.too_few, e.recorded_at, e.log_loss_low, e.log_loss_high,
        e.best_step, e.rise_low, e.rise_high, e.worse_in_a_row, e.bias);
}

inline auto ReasonWord(auto& reason) { return Word{reason, ParseSaveReason, "save_now, chunk_end"}; }

}  // namespace interceptor
