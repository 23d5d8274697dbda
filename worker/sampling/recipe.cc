#include "worker/sampling/recipe.h"

#include <cmath>
#include <set>

#include "common/base/digest.h"
#include "common/base/ids.h"
#include "common/base/status.h"

namespace interceptor::worker {
namespace {

constexpr double kAnyCount = 1e9;

// Keeps the first field that is out of its range.
class RangeChecker {
 public:
  // low <= value <= high.
  void Within(std::string_view field, double value, double low, double high) {
    Require(value >= low && value <= high, field, value, Cat("from ", low, " to ", high));
  }

  // low < value <= high.
  void Above(std::string_view field, double value, double low, double high) {
    Require(value > low && value <= high, field, value, Cat("above ", low, ", at most ", high));
  }

  // low <= value < high.
  void Below(std::string_view field, double value, double low, double high) {
    Require(value >= low && value < high, field, value, Cat("at least ", low, ", below ", high));
  }

  void Keep(const absl::Status& status) { status_.Update(status); }

  const absl::Status& status() const { return status_; }

 private:
  // A NaN fails every comparison and so is out of every range.
  void Require(bool holds, std::string_view field, double value, const std::string& range) {
    if (!holds) Keep(InvalidArgument(field, " is ", value, "; it must be ", range));
  }

  absl::Status status_;
};

void CheckChunks(const std::vector<std::string>& chunks, RangeChecker& check) {
  if (chunks.empty()) check.Keep(InvalidArgument("chunks is empty; name at least one chunk"));
  std::set<std::string> seen;
  for (const std::string& chunk : chunks) {
    check.Keep(ValidateName("chunk", chunk));
    if (!seen.insert(chunk).second) check.Keep(InvalidArgument("chunks names '", chunk, "' twice"));
  }
}

void CheckModel(const ModelSettings& model, RangeChecker& check) {
  if (model.architecture != "efficientnet_b4") {
    check.Keep(
        InvalidArgument("model.architecture is '", model.architecture, "'; it must be 'efficientnet_b4'"));
  }
  check.Within("model.input_pixels", model.input_pixels, 32, 1024);
  check.Within("model.width_scale", model.width_scale, 0.05, 4);
  check.Within("model.depth_scale", model.depth_scale, 0.05, 4);
  check.Within("model.classes", model.classes, 2, 2);
  if (model.initial_weights_file.empty() != model.initial_weights_sha256.empty()) {
    check.Keep(InvalidArgument("model.initial_weights needs both file and sha256, or neither"));
  } else if (!model.initial_weights_sha256.empty()) {
    check.Keep(Annotate(ValidateDigestHex(model.initial_weights_sha256), "model.initial_weights.sha256"));
  }
}

void CheckStages(const std::vector<CurriculumStage>& stages, RangeChecker& check) {
  if (stages.empty()) {
    check.Keep(InvalidArgument("recipe.stages is empty; one stage with until_progress 1 is the least"));
    return;
  }
  double previous = 0;
  for (size_t i = 0; i < stages.size(); ++i) {
    const CurriculumStage& stage = stages[i];
    const std::string name = Cat("recipe.stages[", i, "].");
    check.Above(name + "until_progress", stage.until_progress, previous, 1);
    check.Within(name + "input_pixels", stage.input_pixels, 32, 1024);
    check.Within(name + "trainable_stages", stage.trainable_stages, 0, 9);
    check.Within(name + "augmentation_strength", stage.augmentation_strength, 0, 1);
    check.Within(name + "pace", stage.pace, 0, 1);
    previous = stage.until_progress;
  }
  if (previous != 1.0) {
    check.Keep(InvalidArgument("the last of recipe.stages has until_progress ", previous, "; it must be 1"));
  }
}

void CheckRecipe(const Recipe& recipe, RangeChecker& check) {
  check.Above("recipe.learning_rate", recipe.learning_rate, 0, 1);
  check.Within("recipe.backbone_learning_rate_scale", recipe.backbone_learning_rate_scale, 0, 1);
  check.Within("recipe.weight_decay", recipe.weight_decay, 0, 1);
  check.Below("recipe.beta1", recipe.beta1, 0, 1);
  check.Below("recipe.beta2", recipe.beta2, 0, 1);
  check.Above("recipe.epsilon", recipe.epsilon, 0, 0.01);
  check.Within("recipe.warmup_steps", recipe.warmup_steps, 0, kAnyCount);
  check.Within("recipe.learning_rate_floor", recipe.learning_rate_floor, 0, 1);
  check.Within("recipe.anneal_share", recipe.anneal_share, 0, 1);
  check.Within("recipe.final_learning_rate", recipe.final_learning_rate, 0, 1);
  check.Within("recipe.batch_size", recipe.batch_size, 2, 4096);
  if (recipe.batch_size % 2 != 0) {
    check.Keep(InvalidArgument("recipe.batch_size is ", recipe.batch_size,
                               "; it must be even, half real and half fake"));
  }
  check.Within("recipe.epochs_per_chunk", recipe.epochs_per_chunk, 1, 1000);
  check.Within("recipe.steps_per_chunk_max", recipe.steps_per_chunk_max, 0, kAnyCount);
  check.Below("recipe.label_smoothing", recipe.label_smoothing, 0, 0.5);
  check.Below("recipe.dropout", recipe.dropout, 0, 1);
  check.Below("recipe.stochastic_depth", recipe.stochastic_depth, 0, 1);
  check.Above("recipe.gradient_clip", recipe.gradient_clip, 0, 1000);
  check.Within("recipe.rounding_period", recipe.rounding_period, 1, 1e6);
  check.Within("recipe.replay_share_max", recipe.replay_share_max, 0, 0.5);
  CheckStages(recipe.stages, check);
}

void CheckPreparation(const PreparationSettings& preparation, RangeChecker& check) {
  check.Within("preparation.view_pixels", preparation.view_pixels, 32, 1024);
  if (preparation.view_pixels % 2 != 0) {
    check.Keep(InvalidArgument("preparation.view_pixels is ", preparation.view_pixels, "; it must be even"));
  }
  check.Within("preparation.frames_per_fake", preparation.frames_per_fake, 1, 256);
  check.Within("preparation.frames_per_real", preparation.frames_per_real, 1, 256);
  check.Within("preparation.unmatched_share_max", preparation.unmatched_share_max, 0, 1);
  check.Within("preparation.expected_fake_share", preparation.expected_fake_share, 0, 1);
  check.Within("preparation.replay_reservoir", preparation.replay_reservoir, 0, 1);
  check.Within("preparation.face_detection_stride", preparation.face_detection_stride, 1, 1000);
  if (preparation.face_model_sha256.empty()) return;
  check.Keep(Annotate(ValidateDigestHex(preparation.face_model_sha256), "preparation.face_model_sha256"));
  if (preparation.face_model.empty()) {
    check.Keep(InvalidArgument("preparation.face_model_sha256 needs preparation.face_model"));
  }
}

void CheckEvaluation(const EvaluationSettings& evaluation, RangeChecker& check) {
  check.Within("evaluation.folds", evaluation.folds, 2, 100);
  check.Within("evaluation.held_out_fold", evaluation.held_out_fold, 0, evaluation.folds - 1);
  check.Within("evaluation.frames_per_clip", evaluation.frames_per_clip, 1, 256);
  check.Above("evaluation.deployment_prior", evaluation.deployment_prior, 0, 1);
  check.Below("evaluation.deployment_prior", evaluation.deployment_prior, 0, 1);
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
  RangeChecker check;
  if (!settings.plan_digest.empty()) {
    check.Keep(Annotate(ValidateDigestHex(settings.plan_digest), "plan_digest"));
  }
  CheckChunks(settings.chunks, check);
  CheckModel(settings.model, check);
  CheckRecipe(settings.recipe, check);
  CheckPreparation(settings.preparation, check);
  CheckEvaluation(settings.evaluation, check);
  check.Within("checkpoints.period_seconds", settings.checkpoints.period_seconds, 1, kAnyCount);
  check.Within("checkpoints.keep_latest", settings.checkpoints.keep_latest, 1, 100);
  check.Within("checkpoints.recovery_period_seconds", settings.checkpoints.recovery_period_seconds, 1,
               kAnyCount);
  return check.status();
}

}  // namespace interceptor::worker
