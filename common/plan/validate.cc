// ValidatePlan: one function a section of the plan, all faults collected.
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/str_split.h"
#include "common/base/digest.h"
#include "common/base/ids.h"
#include "common/base/status.h"
#include "common/facts/plan_rules.h"
#include "common/plan/plan.h"

namespace interceptor {
namespace {

// As many as one coordinator serves.
constexpr int kMembersMax = 10'000;
constexpr int kChunksMax = 1000;
constexpr int kStagesMax = 32;

std::string Quoted(std::string_view text) { return Cat("\"", text, "\""); }

// A path below the data folder, so that a plan cannot name files elsewhere on a member's box.
bool IsInsidePath(const std::string& path) {
  for (const std::string& part : std::vector<std::string>(absl::StrSplit(path, '/'))) {
    if (part.empty() || part == "." || part == "..") return false;
  }
  return path.find('\0') == std::string::npos;
}

// Trained by a worker program of the team's own.
bool IsOwnSpecialist(const std::string& name) { return name.starts_with("x-"); }

void CheckSpecialist(const std::string& name, const std::string& path, FieldFaults& faults) {
  static const std::set<std::string> known = {"BG", "AV", "CM", "RR", "LL", "TM"};
  if (IsOwnSpecialist(name)) {
    faults.Keep(ValidateName("specialist", name), path);
  } else {
    faults.Require(known.count(name) > 0, path, Quoted(name),
                   "BG, AV, CM, RR, LL, TM, or a name of your own that starts with x-");
  }
}

void CheckMembers(const v1::Plan& plan, FieldFaults& faults) {
  faults.Within("members (their number)", plan.members_size(), 2, kMembersMax);
  std::set<std::string> names;
  std::set<std::string> taken;
  int integrators = 0;
  for (int i = 0; i < plan.members_size(); ++i) {
    const v1::Member& member = plan.members(i);
    const std::string path = Cat("members[", i, "]");
    faults.Keep(ValidateName("member", member.name()), path + ".name");
    if (!names.insert(member.name()).second)
      faults.Add(Cat(path, ".name ", Quoted(member.name()), " is taken"));
    const int wanted = member.integrates() ? 0 : 2;
    const bool one_of_own = member.specialists_size() == 1 && IsOwnSpecialist(member.specialists(0));
    faults.Require(member.specialists_size() == wanted || (one_of_own && !member.integrates()),
                   path + ".specialists (their number)", member.specialists_size(),
                   "2, or 1 of your own (x-...), or 0 for the member who integrates");
    for (const std::string& specialist : member.specialists()) {
      CheckSpecialist(specialist, path + ".specialists", faults);
      if (!taken.insert(specialist).second)
        faults.Add(Cat(path, ".specialists: ", specialist, " has a member already"));
    }
    integrators += member.integrates() ? 1 : 0;
  }
  faults.Require(integrators == 1, "members with integrates: true (their number)", integrators, "1");
}

void CheckChunks(const v1::Plan& plan, FieldFaults& faults) {
  faults.Within("chunks (their number)", plan.chunks_size(), 1, kChunksMax);
  std::set<std::string> names;
  std::set<std::string> paths;
  for (int i = 0; i < plan.chunks_size(); ++i) {
    const v1::Chunk& chunk = plan.chunks(i);
    const std::string path = Cat("chunks[", i, "]");
    faults.Keep(ValidateName("chunk", chunk.name()), path + ".name");
    if (!names.insert(chunk.name()).second)
      faults.Add(Cat(path, ".name ", Quoted(chunk.name()), " is taken"));
    faults.Require(IsInsidePath(chunk.file()) && chunk.file().find('/') == std::string::npos, path + ".file",
                   Quoted(chunk.file()), "a file name without folders");
    if (!paths.insert(chunk.file()).second)
      faults.Add(Cat(path, ".file ", Quoted(chunk.file()), " is taken"));
    if (!chunk.sha256().empty()) faults.Keep(ValidateDigestHex(chunk.sha256()), path + ".sha256");
  }
}

void CheckModel(const v1::Model& model, FieldFaults& faults) {
  faults.Require(model.architecture() == "efficientnet_b4", "model.architecture",
                 Quoted(model.architecture()), "\"efficientnet_b4\"");
  faults.InRange("model.input_pixels", model.input_pixels());
  faults.InRange("model.width_scale", model.width_scale());
  faults.InRange("model.depth_scale", model.depth_scale());
  faults.Require(model.classes() == 2, "model.classes", model.classes(), "2 (real and fake)");
  if (model.has_front_end()) {
    faults.Require(model.front_end() == "face_crop" || model.front_end() == "specialist", "model.front_end",
                   Quoted(model.front_end()), "\"face_crop\" or \"specialist\"");
    RequireGridForFrontEnd(model.front_end(), model.input_pixels(), faults);
  }
  if (!model.has_initial_weights()) return;
  const v1::InitialWeights& weights = model.initial_weights();
  faults.Require(IsInsidePath(weights.file()), "model.initial_weights.file", Quoted(weights.file()),
                 "a path inside the data folder");
  faults.Keep(ValidateDigestHex(weights.sha256()), "model.initial_weights.sha256");
  RequireUnscaledForGivenWeights(model.width_scale(), model.depth_scale(), faults);
}

void CheckStages(const v1::Plan& plan, FieldFaults& faults) {
  const auto& stages = plan.recipe().stages();
  faults.Within("recipe.stages (their number)", stages.size(), 1, kStagesMax);
  double previous = 0;
  for (int i = 0; i < stages.size(); ++i) {
    const v1::CurriculumStage& stage = stages[i];
    const std::string path = Cat("recipe.stages[", i, "]");
    const bool last = i + 1 == stages.size();
    faults.Require(last ? stage.until_progress() == 1.0
                        : stage.until_progress() > previous && stage.until_progress() < 1.0,
                   path + ".until_progress", stage.until_progress(),
                   last ? "1 for the last stage" : Cat("more than ", previous, ", less than 1"));
    previous = stage.until_progress();
    faults.Within(path + ".input_pixels", stage.input_pixels(), 32,
                  std::max(32, plan.model().input_pixels()));
    faults.InRange(path + ".trainable_stages", RangeOf("recipe.stages.trainable_stages"),
                   stage.trainable_stages());
    faults.InRange(path + ".augmentation_strength", RangeOf("recipe.stages.augmentation_strength"),
                   stage.augmentation_strength());
    faults.InRange(path + ".pace", RangeOf("recipe.stages.pace"), stage.pace());
  }
}

void CheckRecipe(const v1::Recipe& recipe, FieldFaults& faults) {
  faults.Require(recipe.optimizer() == v1::OPTIMIZER_ADAMW, "recipe.optimizer",
                 v1::Optimizer_Name(recipe.optimizer()), "OPTIMIZER_ADAMW");
  faults.Require(recipe.schedule() == v1::LEARNING_RATE_SCHEDULE_COSINE, "recipe.schedule",
                 v1::LearningRateSchedule_Name(recipe.schedule()), "LEARNING_RATE_SCHEDULE_COSINE");
  faults.InRange("recipe.learning_rate", recipe.learning_rate());
  faults.InRange("recipe.backbone_learning_rate_scale", recipe.backbone_learning_rate_scale());
  faults.InRange("recipe.weight_decay", recipe.weight_decay());
  faults.InRange("recipe.beta1", recipe.beta1());
  faults.InRange("recipe.beta2", recipe.beta2());
  faults.InRange("recipe.epsilon", recipe.epsilon());
  faults.InRange("recipe.warmup_steps", recipe.warmup_steps());
  faults.InRange("recipe.learning_rate_floor", recipe.learning_rate_floor());
  faults.InRange("recipe.anneal_share", recipe.anneal_share());
  faults.InRange("recipe.final_learning_rate", recipe.final_learning_rate());
  faults.InRange("recipe.batch_size", recipe.batch_size());
  faults.Require(recipe.batch_size() % 2 == 0, "recipe.batch_size", recipe.batch_size(),
                 "even: half real and half fake");
  faults.InRange("recipe.epochs_per_chunk", recipe.epochs_per_chunk());
  faults.InRange("recipe.steps_per_chunk_max", recipe.steps_per_chunk_max());
  faults.InRange("recipe.label_smoothing", recipe.label_smoothing());
  faults.InRange("recipe.dropout", recipe.dropout());
  faults.InRange("recipe.stochastic_depth", recipe.stochastic_depth());
  faults.InRange("recipe.gradient_clip", recipe.gradient_clip());
  faults.InRange("recipe.rounding_period", recipe.rounding_period());
  faults.InRange("recipe.replay_share_max", recipe.replay_share_max());
  faults.InRange("recipe.self_made_share", recipe.self_made_share());
}

void CheckPreparation(const v1::Plan& plan, FieldFaults& faults) {
  const v1::Preparation& preparation = plan.preparation();
  faults.InRange("preparation.view_pixels", preparation.view_pixels());
  faults.Require(preparation.view_pixels() % 2 == 0, "preparation.view_pixels", preparation.view_pixels(),
                 "even numbers");
  faults.InRange("preparation.frames_per_fake", preparation.frames_per_fake());
  faults.InRange("preparation.frames_per_real", preparation.frames_per_real());
  faults.InRange("preparation.unmatched_share_max", preparation.unmatched_share_max());
  faults.InRange("preparation.expected_fake_share", preparation.expected_fake_share());
  faults.InRange("preparation.replay_reservoir", preparation.replay_reservoir());
  faults.InRange("preparation.face_detection_stride", preparation.face_detection_stride());
  if (!preparation.face_model().empty()) {
    faults.Require(IsInsidePath(preparation.face_model()), "preparation.face_model",
                   Quoted(preparation.face_model()), "a path inside the data folder");
  }
  if (preparation.has_face_model_sha256()) {
    faults.Keep(ValidateDigestHex(preparation.face_model_sha256()), "preparation.face_model_sha256");
    if (preparation.face_model().empty())
      faults.Add("preparation.face_model_sha256 needs preparation.face_model");
  }
  if (!preparation.labels_csv().empty()) {
    faults.Require(IsInsidePath(preparation.labels_csv()), "preparation.labels_csv",
                   Quoted(preparation.labels_csv()), "a path inside the data folder");
  }
}

void CheckEvaluation(const v1::EvaluationPolicy& evaluation, FieldFaults& faults) {
  faults.InRange("evaluation.folds", evaluation.folds());
  faults.Within("evaluation.held_out_fold", evaluation.held_out_fold(), 0,
                std::max(0, evaluation.folds() - 1));
  faults.InRange("evaluation.frames_per_clip", evaluation.frames_per_clip());
  faults.InRange("evaluation.deployment_prior", evaluation.deployment_prior());
  faults.InRange("evaluation.evaluate_every_steps", evaluation.evaluate_every_steps());
}

void CheckOperations(const v1::Plan& plan, FieldFaults& faults) {
  const v1::CheckpointPolicy& checkpoints = plan.checkpoints();
  faults.InRange("checkpoints.period_seconds", checkpoints.period_seconds());
  faults.InRange("checkpoints.keep_latest", checkpoints.keep_latest());
  faults.InRange("checkpoints.recovery_period_seconds", checkpoints.recovery_period_seconds());
  faults.InRange("checkpoints.vault_bytes_max", checkpoints.vault_bytes_max());
  const v1::Scheduling& scheduling = plan.scheduling();
  faults.InRange("scheduling.lease_ttl_seconds", scheduling.lease_ttl_seconds());
  faults.InRange("scheduling.handover_seconds", scheduling.handover_seconds());
  faults.InRange("scheduling.stall_seconds", scheduling.stall_seconds());
}

}  // namespace

absl::Status ValidatePlan(const v1::Plan& plan) {
  FieldFaults faults;
  faults.Keep(ValidateName("plan", plan.name()), "name");
  CheckMembers(plan, faults);
  CheckChunks(plan, faults);
  CheckModel(plan.model(), faults);
  CheckRecipe(plan.recipe(), faults);
  RequireFrontEndForSelfMade(plan.model().front_end(), plan.recipe().self_made_share(), faults);
  CheckStages(plan, faults);
  CheckPreparation(plan, faults);
  CheckEvaluation(plan.evaluation(), faults);
  CheckOperations(plan, faults);
  return faults.ToStatus();
}

}  // namespace interceptor
