// The fields of facts that stand in JSON both in messages and in files (common/io/json_fields.h).
#pragma once

#include <vector>

#include "common/base/digest.h"
#include "common/facts/bias.h"
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

void Fields(auto& visit, Gap& gap) {
  visit("estimate", gap.estimate);
  visit("low", gap.low);
  visit("high", gap.high);
  visit("too_few", gap.too_few);
}

void Fields(auto& visit, SliceBias& slice) {
  const auto gap = [&visit](const char* key, Gap& value) {
    visit.Object(key, [&](auto& nested) { Fields(nested, value); });
  };
  visit("attribute", slice.attribute);
  visit("slice", slice.slice);
  visit("reals", slice.reals);
  visit("fakes", slice.fakes);
  visit("real_families", slice.real_families);
  visit("fake_families", slice.fake_families);
  visit("auc", slice.auc);
  gap("real_fake", slice.real_fake);
  gap("false_positive", slice.false_positive);
  gap("false_negative", slice.false_negative);
  visit("false_positive_p", slice.false_positive_p);
  visit("false_negative_p", slice.false_negative_p);
  visit("alarm", slice.alarm);
}

void Fields(auto& visit, BiasReport& report) {
  visit("calibrated", report.calibrated);
  visit("reals", report.reals);
  visit("fakes", report.fakes);
  visit("abstained", report.abstained);
  visit.Object("real_fake", [&](auto& nested) { Fields(nested, report.real_fake); });
  visit("spread", report.spread);
  visit("called_fake", report.called_fake);
  visit("collapsed", report.collapsed);
  visit("one_class", report.one_class);
  visit.List("slices", report.slices, [](auto& nested, auto& slice) { Fields(nested, slice); });
}

void Fields(auto& visit, SamplingWeight& weight) {
  visit("attribute", weight.attribute);
  visit("slice", weight.slice);
  visit("fake", weight.fake);
  visit("share", weight.share);
}

void SamplingField(auto& visit, const char* key, std::vector<SamplingWeight>& sampling) {
  visit.List(key, sampling, [](auto& nested, auto& weight) { Fields(nested, weight); });
}

void Fields(auto& visit, Bias& bias) {
  visit.Object("before", [&](auto& nested) { Fields(nested, bias.before); });
  visit.Object("after", [&](auto& nested) { Fields(nested, bias.after); });
  SamplingField(visit, "next_sampling", bias.next_sampling);
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
  visit.Optional("bias", evaluation.bias, [](auto& nested, Bias& bias) { Fields(nested, bias); });
  if (evaluation.kind != EvaluationKind::kValidation) return;
  visit("log_loss_low", evaluation.log_loss_low);
  visit("log_loss_high", evaluation.log_loss_high);
  visit("best_step", evaluation.best_step);
  visit("rise_low", evaluation.rise_low);
  visit("rise_high", evaluation.rise_high);
  visit("worse_in_a_row", evaluation.worse_in_a_row);
}

}  // namespace interceptor
