#include "worker/sampling/recipe.h"

#include <cmath>
#include <set>

#include "common/base/digest.h"
#include "common/base/ids.h"
#include "common/base/status.h"
#include "common/facts/plan_rules.h"

namespace interceptor::worker {
namespace {

void CheckChunks(const std::vector<std::string>& chunks, FieldFaults& check) {
  if (chunks.empty()) check.Add("chunks is empty; name at least one chunk");
  std::set<std::string> seen;
  for (const std::string& chunk : chunks) {
    check.Keep(ValidateName("chunk", chunk), "chunks");
    if (!seen.insert(chunk).second) check.Add(Cat("chunks names '", chunk, "' twice"));
  }
}

void CheckModel(const ModelSettings& model, FieldFaults& check) {
  if (model.architecture != "efficientnet_b4") {
    check.Add(Cat("model.architecture is '", model.architecture, "'; it must be 'efficientnet_b4'"));
  }
  check.InRange("model.input_pixels", model.input_pixels);
  check.InRange("model.width_scale", model.width_scale);
  check.InRange("model.depth_scale", model.depth_scale);
  check.InRange("model.classes", model.classes);
  if (model.initial_weights.file.empty() != model.initial_weights.sha256.empty()) {
    check.Add("model.initial_weights needs both file and sha256, or neither");
  } else if (!model.initial_weights.sha256.empty()) {
    check.Keep(ValidateDigestHex(model.initial_weights.sha256), "model.initial_weights.sha256");
    RequireUnscaledForGivenWeights(model.width_scale, model.depth_scale, check);
  }
}

void CheckStages(const std::vector<CurriculumStage>& stages, FieldFaults& check) {
  if (stages.empty()) {
    check.Add("recipe.stages is empty; one stage with until_progress 1 is the least");
    return;
  }
  double previous = 0;
  for (size_t i = 0; i < stages.size(); ++i) {
    const CurriculumStage& stage = stages[i];
    const std::string name = Cat("recipe.stages[", i, "].");
    check.Require(stage.until_progress > previous && stage.until_progress <= 1, name + "until_progress",
                  stage.until_progress, Cat("more than ", previous, ", at most 1"));
    check.Within(name + "input_pixels", stage.input_pixels, 32, 1024);
    check.InRange(name + "trainable_stages", RangeOf("recipe.stages.trainable_stages"),
                  stage.trainable_stages);
    check.InRange(name + "augmentation_strength", RangeOf("recipe.stages.augmentation_strength"),
                  stage.augmentation_strength);
    check.InRange(name + "pace", RangeOf("recipe.stages.pace"), stage.pace);
    previous = stage.until_progress;
  }
  if (previous != 1.0) {
    check.Add(Cat("the last of recipe.stages has until_progress ", previous, "; it must be 1"));
  }
}

void CheckRecipe(const Recipe& recipe, FieldFaults& check) {
  check.InRange("recipe.learning_rate", recipe.learning_rate);
  check.InRange("recipe.backbone_learning_rate_scale", recipe.backbone_learning_rate_scale);
  check.InRange("recipe.weight_decay", recipe.weight_decay);
  check.InRange("recipe.beta1", recipe.beta1);
  check.InRange("recipe.beta2", recipe.beta2);
  check.InRange("recipe.epsilon", recipe.epsilon);
  check.InRange("recipe.warmup_steps", recipe.warmup_steps);
  check.InRange("recipe.learning_rate_floor", recipe.learning_rate_floor);
  check.InRange("recipe.anneal_share", recipe.anneal_share);
  check.InRange("recipe.final_learning_rate", recipe.final_learning_rate);
  check.InRange("recipe.batch_size", recipe.batch_size);
  if (recipe.batch_size % 2 != 0) {
    check.Add(Cat("recipe.batch_size is ", recipe.batch_size, "; it must be even, half real and half fake"));
  }
  check.InRange("recipe.epochs_per_chunk", recipe.epochs_per_chunk);
  check.InRange("recipe.steps_per_chunk_max", recipe.steps_per_chunk_max);
  check.InRange("recipe.label_smoothing", recipe.label_smoothing);
  check.InRange("recipe.dropout", recipe.dropout);
  check.InRange("recipe.stochastic_depth", recipe.stochastic_depth);
  check.InRange("recipe.gradient_clip", recipe.gradient_clip);
  check.InRange("recipe.rounding_period", recipe.rounding_period);
  check.InRange("recipe.replay_share_max", recipe.replay_share_max);
  CheckStages(recipe.stages, check);
}

void CheckPreparation(const PreparationSettings& preparation, FieldFaults& check) {
  check.InRange("preparation.view_pixels", preparation.view_pixels);
  if (preparation.view_pixels % 2 != 0) {
    check.Add(Cat("preparation.view_pixels is ", preparation.view_pixels, "; it must be even"));
  }
  check.InRange("preparation.frames_per_fake", preparation.frames_per_fake);
  check.InRange("preparation.frames_per_real", preparation.frames_per_real);
  check.InRange("preparation.unmatched_share_max", preparation.unmatched_share_max);
  check.InRange("preparation.expected_fake_share", preparation.expected_fake_share);
  check.InRange("preparation.replay_reservoir", preparation.replay_reservoir);
  check.InRange("preparation.face_detection_stride", preparation.face_detection_stride);
  if (preparation.face_model_sha256.empty()) return;
  check.Keep(ValidateDigestHex(preparation.face_model_sha256), "preparation.face_model_sha256");
  if (preparation.face_model.empty()) {
    check.Add("preparation.face_model_sha256 needs preparation.face_model");
  }
}

void CheckEvaluation(const EvaluationSettings& evaluation, FieldFaults& check) {
  check.InRange("evaluation.folds", evaluation.folds);
  check.Within("evaluation.held_out_fold", evaluation.held_out_fold, 0, evaluation.folds - 1);
  check.InRange("evaluation.frames_per_clip", evaluation.frames_per_clip);
  check.InRange("evaluation.deployment_prior", evaluation.deployment_prior);
}

}  // namespace

std::string_view FaceModelNotice(std::string_view face_model) {
  if (face_model.ends_with(".onnx")) return "";
  return "faces are looked for by a Haar cascade: in 228 frames of 19 filmed clips it found 201, at 50 to "
         "110 ms "
         "a frame, where YuNet found 227 at 30 to 40 ms. deploy/face-model DIR fetches YuNet; name it in the "
         "plan "
         "(preparation.face_model), or by --face-model of interceptor-prepare";
}

absl::Status Validate(const RunSettings& settings) {
  FieldFaults check;
  if (!settings.plan_digest.empty()) {
    check.Keep(ValidateDigestHex(settings.plan_digest), "plan_digest");
  }
  CheckChunks(settings.chunks, check);
  CheckModel(settings.model, check);
  CheckRecipe(settings.recipe, check);
  CheckPreparation(settings.preparation, check);
  CheckEvaluation(settings.evaluation, check);
  check.InRange("checkpoints.period_seconds", settings.checkpoints.period_seconds);
  check.InRange("checkpoints.keep_latest", settings.checkpoints.keep_latest);
  check.InRange("checkpoints.recovery_period_seconds", settings.checkpoints.recovery_period_seconds);
  return check.ToStatus();
}

}  // namespace interceptor::worker
