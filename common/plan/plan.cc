#include "common/plan/plan.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/tokenizer.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>
#include <google/protobuf/text_format.h>

#include "common/base/check.h"
#include "common/base/digest.h"
#include "common/base/status.h"
#include "common/io/atomic_file.h"

namespace interceptor {
namespace {

using google::protobuf::TextFormat;

constexpr int64_t kPlanBytesMax = int64_t{1} << 20;

// Keeps the first fault; the parser counts lines and columns from zero.
class FirstError : public google::protobuf::io::ErrorCollector {
 public:
  void AddError(int line, int column, const std::string& message) override {
    if (text_.empty()) text_ = Cat(line + 1, ":", column + 1, ": ", message);
  }
  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

// Stages are repeated, so they cannot inherit from defaults by merging; a field that the text does not
// mention is found by asking the parser where it stood.
void FillStageDefaults(const TextFormat::ParseInfoTree& locations, v1::Plan& plan) {
  const auto* plan_type = v1::Plan::descriptor();
  const auto* recipe_type = v1::Recipe::descriptor();
  const auto* stage_type = v1::CurriculumStage::descriptor();
  v1::Recipe& recipe = *plan.mutable_recipe();

  v1::CurriculumStage whole;
  whole.set_until_progress(1.0);
  whole.set_input_pixels(plan.model().input_pixels());
  whole.set_trainable_stages(9);
  whole.set_augmentation_strength(1.0);
  whole.set_pace(1.0);
  if (recipe.stages().empty()) {
    *recipe.add_stages() = whole;
    return;
  }
  const auto* in_recipe = locations.GetTreeForNested(plan_type->FindFieldByName("recipe"), -1);
  for (int i = 0; i < recipe.stages_size(); ++i) {
    const auto* in_stage = in_recipe->GetTreeForNested(recipe_type->FindFieldByName("stages"), i);
    v1::CurriculumStage filled = whole;
    for (int f = 0; f < stage_type->field_count(); ++f) {
      const auto* field = stage_type->field(f);
      const bool written = in_stage != nullptr && in_stage->GetLocation(field, -1).line >= 0;
      if (written) filled.GetReflection()->ClearField(&filled, field);
    }
    filled.MergeFrom(recipe.stages(i));
    *recipe.mutable_stages(i) = filled;
  }
}

}  // namespace

absl::StatusOr<v1::Plan> LoadPlan(const FileSystem& files, const std::string& path) {
  absl::StatusOr<std::string> text = ReadWholeFile(files, path, kPlanBytesMax);
  if (!text.ok()) return Annotate(text.status(), "plan");
  return ParsePlan(*text, path);
}

absl::StatusOr<v1::Plan> ParsePlan(std::string_view text, std::string_view name) {
  const std::string bytes(text);
  FirstError error;
  TextFormat::ParseInfoTree locations;

  // Parsed twice: alone, which refuses a field given twice and records where each stood; then over the
  // defaults, where a written zero replaces the default and an absent field leaves it.
  v1::Plan alone;
  TextFormat::Parser strict;
  strict.RecordErrorsTo(&error);
  strict.WriteLocationsTo(&locations);
  if (!strict.ParseFromString(bytes, &alone)) return InvalidArgument(name, ":", error.text());

  v1::Plan plan = DefaultPlan();
  TextFormat::Parser over_defaults;
  over_defaults.RecordErrorsTo(&error);
  if (!over_defaults.MergeFromString(bytes, &plan)) return InvalidArgument(name, ":", error.text());

  for (v1::Chunk& chunk : *plan.mutable_chunks()) {
    if (chunk.file().empty()) chunk.set_file(chunk.name() + ".zip");
  }
  FillStageDefaults(locations, plan);
  const absl::Status valid = ValidatePlan(plan);
  if (!valid.ok()) return Annotate(valid, name);
  return plan;
}

v1::Plan DefaultPlan() {
  static constexpr char kDefaults[] = R"pb(
    seed: 1
    model { architecture: "efficientnet_b4" input_pixels: 224 width_scale: 1.0 depth_scale: 1.0 classes: 2 }
    recipe {
      optimizer: OPTIMIZER_ADAMW
      schedule: LEARNING_RATE_SCHEDULE_COSINE
      learning_rate: 3e-4
      backbone_learning_rate_scale: 0.1
      weight_decay: 0.01
      beta1: 0.9
      beta2: 0.999
      epsilon: 1e-8
      warmup_steps: 500
      learning_rate_floor: 0.1
      anneal_share: 0.1
      final_learning_rate: 0.01
      batch_size: 32
      epochs_per_chunk: 1
      label_smoothing: 0.02
      dropout: 0.4
      stochastic_depth: 0.2
      gradient_clip: 1.0
      rounding_period: 128
      replay_share_max: 0.5
    }
    preparation {
      view_pixels: 224
      frames_per_fake: 16
      frames_per_real: 64
      unmatched_share_max: 0.01
      expected_fake_share: 0.5
      replay_reservoir: 0.1
      face_detection_stride: 10
    }
    evaluation {
      folds: 5
      held_out_fold: 0
      look_ahead: true
      bias_correction: true
      frames_per_clip: 16
      deployment_prior: 0.5
    }
    checkpoints {
      period_seconds: 10800
      keep_latest: 2
      recovery_period_seconds: 600
      vault_bytes_max: 2000000000
    }
    scheduling { lease_ttl_seconds: 60 handover_seconds: 21600 stall_seconds: 1800 pair_together: false }
  )pb";
  v1::Plan plan;
  ICPT_CHECK(TextFormat::ParseFromString(kDefaults, &plan)) << "the default plan does not parse";
  return plan;
}

std::string PlanDigest(const v1::Plan& plan) {
  std::string bytes;
  {
    google::protobuf::io::StringOutputStream stream(&bytes);
    google::protobuf::io::CodedOutputStream out(&stream);
    out.SetSerializationDeterministic(true);
    plan.SerializeToCodedStream(&out);
  }
  return DigestOf(bytes).hex;
}

}  // namespace interceptor
