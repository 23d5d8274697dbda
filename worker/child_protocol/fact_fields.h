// The fields of facts that stand in JSON both in messages and in files (common/io/json_fields.h).
#pragma once

#include "common/base/digest.h"
#include "common/facts/cursor.h"
#include "common/facts/evaluation.h"

namespace interceptor {

void Fields(auto& visit, Cursor& cursor) {
  visit("chunk", cursor.chunk);
  visit("epoch", cursor.epoch);
  visit("position", cursor.position);
  visit("seed", cursor.seed);
}

void Fields(auto& visit, Digest& blob) {
  visit("sha256", blob.hex);
  visit("size_bytes", blob.size_bytes);
}

// Chunk, step and figures: what is not named otherwise in messages than in files. The kind is known before.
void FigureFields(auto& visit, Evaluation& evaluation) {
  visit("chunk", evaluation.chunk);
  visit("step", evaluation.step);
  visit("reals", evaluation.reals);
  visit("fakes", evaluation.fakes);
  visit("families", evaluation.families);
  visit("auc", evaluation.auc);
  visit("auc_low", evaluation.auc_low);
  visit("auc_high", evaluation.auc_high);
  visit("log_loss", evaluation.log_loss);
  visit("real_accuracy", evaluation.real_accuracy);
  visit("fake_accuracy", evaluation.fake_accuracy);
  visit("too_few", evaluation.too_few);
  if (evaluation.kind != EvaluationKind::kValidation) return;
  visit("log_loss_low", evaluation.log_loss_low);
  visit("log_loss_high", evaluation.log_loss_high);
  visit("best_step", evaluation.best_step);
  visit("rise_low", evaluation.rise_low);
  visit("rise_high", evaluation.rise_high);
  visit("worse_in_a_row", evaluation.worse_in_a_row);
}

}  // namespace interceptor
