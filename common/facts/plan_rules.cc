#include "common/facts/plan_rules.h"

#include <algorithm>
#include <iterator>

#include "common/base/check.h"

namespace interceptor {
namespace {

constexpr int kFaultsShown = 12;
constexpr double kSecondsMax = 30 * 86400;

constexpr FieldRange kRanges[] = {
    {"model.input_pixels", 32, 1024},
    {"model.width_scale", 0.05, 2},
    {"model.depth_scale", 0.05, 2},
    {"model.classes", 2, 2},
    {"recipe.learning_rate", 0, 1, true},
    {"recipe.backbone_learning_rate_scale", 0, 1},
    {"recipe.weight_decay", 0, 1},
    {"recipe.beta1", 0, 0.9999},
    {"recipe.beta2", 0, 0.99999},
    {"recipe.epsilon", 1e-12, 1e-2},
    {"recipe.warmup_steps", 0, 1e6},
    {"recipe.learning_rate_floor", 0, 1},
    {"recipe.anneal_share", 0, 0.9},
    {"recipe.final_learning_rate", 0, 1},
    {"recipe.batch_size", 2, 4096},
    {"recipe.epochs_per_chunk", 1, 1000},
    {"recipe.steps_per_chunk_max", 0, 1e8},
    {"recipe.label_smoothing", 0, 0.4},
    {"recipe.dropout", 0, 0.9},
    {"recipe.stochastic_depth", 0, 0.9},
    {"recipe.gradient_clip", 0, 1000, true},
    {"recipe.rounding_period", 1, 1e6},
    {"recipe.replay_share_max", 0, 0.5},
    {"recipe.self_made_share", 0, 1},
    {"recipe.stages.trainable_stages", 0, 9},
    {"recipe.stages.augmentation_strength", 0, 1},
    {"recipe.stages.pace", 0, 1},
    {"preparation.view_pixels", 32, 1024},
    {"preparation.frames_per_fake", 1, 256},
    {"preparation.frames_per_real", 1, 256},
    {"preparation.unmatched_share_max", 0, 1},
    {"preparation.expected_fake_share", 0.01, 0.99},
    {"preparation.replay_reservoir", 0, 1},
    {"preparation.face_detection_stride", 1, 1000},
    {"evaluation.folds", 2, 100},
    {"evaluation.frames_per_clip", 1, 256},
    {"evaluation.deployment_prior", 0.001, 0.999},
    {"evaluation.evaluate_every_steps", 0, 1e8},
    {"checkpoints.period_seconds", 1, kSecondsMax},
    {"checkpoints.keep_latest", 1, 100},
    {"checkpoints.recovery_period_seconds", 1, kSecondsMax},
    {"checkpoints.vault_bytes_max", 1e6, double{int64_t{1} << 50}},
    {"scheduling.lease_ttl_seconds", 1, 86400},
    {"scheduling.handover_seconds", 1, 365 * 86400},
    {"scheduling.stall_seconds", 1, kSecondsMax},
};

}  // namespace

const FieldRange& RangeOf(std::string_view path) {
  const auto found = std::find_if(std::begin(kRanges), std::end(kRanges),
                                  [path](const FieldRange& range) { return range.path == path; });
  ICPT_CHECK(found != std::end(kRanges)) << path << " has no range";
  return *found;
}

void RequireUnscaledForGivenWeights(double width_scale, double depth_scale, FieldFaults& faults) {
  if (width_scale == 1 && depth_scale == 1) return;
  faults.Add(Cat("model.initial_weights is for EfficientNet-B4 itself, and model.width_scale is ",
                 width_scale, ", model.depth_scale ", depth_scale,
                 ": set both to 1, or leave model.initial_weights out to train from scratch"));
}

void RequireFrontEndForSelfMade(std::string_view front_end, double self_made_share, FieldFaults& faults) {
  if (front_end == "specialist" || self_made_share == 0) return;
  faults.Add(Cat("recipe.self_made_share is ", self_made_share,
                 "; it needs model.front_end \"specialist\", whose evidence it trains"));
}

void RequireGridForFrontEnd(std::string_view front_end, int64_t input_pixels, FieldFaults& faults) {
  if (front_end == "face_crop" || input_pixels % 32 == 0) return;
  faults.Add(Cat("model.input_pixels is ", input_pixels, "; with model.front_end ", front_end,
                 " it must be a multiple of 32"));
}

void FieldFaults::Add(std::string fault) {
  if (++count_ <= kFaultsShown) text_ += (text_.empty() ? "" : "; ") + std::move(fault);
}

void FieldFaults::Keep(const absl::Status& status, std::string_view path) {
  if (!status.ok()) Add(Cat(path, ": ", Message(status)));
}

absl::Status FieldFaults::ToStatus() const {
  if (count_ == 0) return absl::OkStatus();
  return InvalidArgument(text_, count_ > kFaultsShown ? Cat("; and ", count_ - kFaultsShown, " more") : "");
}

}  // namespace interceptor
