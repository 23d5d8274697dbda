#include "worker/store/settings.h"

#include <vector>

#include "common/base/status.h"
#include "common/io/config.h"

namespace interceptor::worker {

// Keys are the names of the fields; what a document leaves out keeps its default.
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(CurriculumStage, until_progress, input_pixels,
                                                trainable_stages, augmentation_strength, pace)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(InitialWeights, file, sha256)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(ModelSettings, architecture, input_pixels, width_scale,
                                                depth_scale, classes, initial_weights)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(Recipe, learning_rate, backbone_learning_rate_scale,
                                                weight_decay, beta1, beta2, epsilon, warmup_steps,
                                                learning_rate_floor, anneal_share, final_learning_rate,
                                                batch_size, epochs_per_chunk, steps_per_chunk_max,
                                                label_smoothing, dropout, stochastic_depth, gradient_clip,
                                                rounding_period, replay_share_max, stages)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(PreparationSettings, view_pixels, frames_per_fake,
                                                frames_per_real, unmatched_share_max, expected_fake_share,
                                                replay_reservoir, face_detection_stride, labels_csv,
                                                face_model, face_model_sha256)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(EvaluationSettings, folds, held_out_fold, look_ahead,
                                                bias_correction, frames_per_clip, deployment_prior)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(CheckpointSettings, period_seconds, keep_latest,
                                                recovery_period_seconds)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(RunSettings, plan_digest, seed, chunks, model, recipe,
                                                preparation, evaluation, checkpoints)

namespace {

using nlohmann::json;

constexpr int64_t kRunSettingsVersion = 1;

// Every key of `given` must stand in `known`, a document with all fields, and hold a value of its type.
absl::Status CheckKeysAndTypes(const json& given, const json& known, const std::string& path) {
  const bool same_type = known.is_number_float()     ? given.is_number()
                         : known.is_number_integer() ? given.is_number_integer()
                                                     : given.type() == known.type();
  if (!same_type) return InvalidArgument("run.json: ", path, " is not ", known.type_name());
  if (given.is_object()) {
    for (const auto& [key, value] : given.items()) {
      const auto field = known.find(key);
      const std::string inner = path.empty() ? key : Cat(path, ".", key);
      if (field == known.end()) return InvalidArgument("run.json: unknown key '", inner, "'");
      ICPT_RETURN_IF_ERROR(CheckKeysAndTypes(value, *field, inner));
    }
  } else if (given.is_array()) {
    for (size_t i = 0; i < given.size(); ++i) {
      ICPT_RETURN_IF_ERROR(CheckKeysAndTypes(given[i], known[0], Cat(path, "[", i, "]")));
    }
  }
  return absl::OkStatus();
}

// A number that its field cannot hold has come out as another.
absl::Status CheckNothingLost(const json& given, const RunSettings& settings) {
  json read = settings;
  read["version"] = kRunSettingsVersion;
  const json values = given.flatten();
  for (const auto& [pointer, value] : values.items()) {
    if (!value.is_null() && read.at(json::json_pointer(pointer)) != value) {
      return InvalidArgument("run.json: ", pointer.substr(1), " is ", value, ", out of range");
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<RunSettings> ParseRunSettings(std::string_view text) {
  auto given = ParseJsonObject(text);
  if (!given.ok()) return Annotate(given.status(), "run.json");
  json known = RunSettings{};
  known["version"] = kRunSettingsVersion;
  const auto version = given->find("version");
  if (version != given->end() && version->is_number_integer() && *version > kRunSettingsVersion) {
    return FailedPrecondition("run.json has version ", *version, "; this program reads up to ",
                              kRunSettingsVersion, ": use the newer program that wrote it");
  }
  ICPT_RETURN_IF_ERROR(CheckKeysAndTypes(*given, known, ""));
  const RunSettings settings = given->get<RunSettings>();
  ICPT_RETURN_IF_ERROR(CheckNothingLost(*given, settings));
  ICPT_RETURN_IF_ERROR(Annotate(Validate(settings), "run.json"));
  return settings;
}

std::string RunSettingsToJson(const RunSettings& settings) {
  json object = settings;
  object["version"] = kRunSettingsVersion;
  // Written only where set, so that settings without them keep their bytes.
  if (settings.model.initial_weights.file.empty()) object["model"].erase("initial_weights");
  if (settings.preparation.face_model_sha256.empty()) object["preparation"].erase("face_model_sha256");
  return object.dump(1) + "\n";
}

}  // namespace interceptor::worker
