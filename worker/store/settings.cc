#include "worker/store/settings.h"

#include <algorithm>
#include <iterator>
#include <regex>
#include <set>
#include <vector>

#include "absl/strings/str_replace.h"
#include "common/base/digest.h"
#include "common/base/ids.h"
#include "common/base/status.h"
#include "common/facts/plan_rules.h"
#include "common/io/config.h"

namespace interceptor::worker {

// Keys are the names of the fields; what a document leaves out keeps its default.
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(CurriculumStage, until_progress, input_pixels,
                                                trainable_stages, augmentation_strength, pace)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(InitialWeights, file, sha256)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(ModelSettings, architecture, input_pixels, width_scale,
                                                depth_scale, classes, initial_weights, front_end)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(Recipe, learning_rate, backbone_learning_rate_scale,
                                                weight_decay, beta1, beta2, epsilon, warmup_steps,
                                                learning_rate_floor, anneal_share, final_learning_rate,
                                                batch_size, epochs_per_chunk, steps_per_chunk_max,
                                                label_smoothing, dropout, stochastic_depth, gradient_clip,
                                                rounding_period, replay_share_max, self_made_share, stages)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(PreparationSettings, view_pixels, frames_per_fake,
                                                frames_per_real, unmatched_share_max, expected_fake_share,
                                                replay_reservoir, face_detection_stride, labels_csv,
                                                face_model, face_model_sha256)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(EvaluationSettings, folds, held_out_fold, look_ahead,
                                                bias_correction, frames_per_clip, deployment_prior,
                                                evaluate_every_steps)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(CheckpointSettings, period_seconds, keep_latest,
                                                recovery_period_seconds)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(RunSettings, plan_digest, seed, chunks, model, recipe,
                                                preparation, evaluation, checkpoints)

using nlohmann::json;

namespace {

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

// Numbers without a range of their own: the rest of the plan limits them, or nothing does.
constexpr std::string_view kWithoutRange[] = {"seed", "recipe.stages.until_progress",
                                              "recipe.stages.input_pixels", "evaluation.held_out_fold"};

std::string Dotted(const std::string& pointer) {
  return absl::StrReplaceAll(pointer.substr(1), {{"/", "."}});
}

// Every number against the range of its path.
void CheckRanges(const RunSettings& settings, FieldFaults& check) {
  const json numbers = json(settings).flatten();
  for (const auto& [pointer, value] : numbers.items()) {  // "/recipe/stages/0/pace"
    const std::string path = Dotted(std::regex_replace(pointer, std::regex("/[0-9]+"), ""));
    const bool has_range = std::ranges::find(kWithoutRange, path) == std::end(kWithoutRange);
    if (!value.is_number() || !has_range) continue;
    const std::string shown = Dotted(std::regex_replace(pointer, std::regex("/([0-9]+)"), "[$1]"));
    if (value.is_number_integer()) {
      check.InRange(shown, RangeOf(path), value.get<int64_t>());
    } else {
      check.InRange(shown, RangeOf(path), value.get<double>());
    }
  }
}

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
  if (!ParseFrontEndMode(model.front_end).has_value()) {
    check.Add(Cat("model.front_end is '", model.front_end,
                  "'; it must be 'face_crop', 'specialist' or 'views_only'"));
  }
  RequireGridForFrontEnd(model.front_end, model.input_pixels, check);
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
    previous = stage.until_progress;
  }
  if (previous != 1.0) {
    check.Add(Cat("the last of recipe.stages has until_progress ", previous, "; it must be 1"));
  }
}

void CheckPreparation(const PreparationSettings& preparation, FieldFaults& check) {
  if (preparation.view_pixels % 2 != 0) {
    check.Add(Cat("preparation.view_pixels is ", preparation.view_pixels, "; it must be even"));
  }
  if (preparation.face_model_sha256.empty()) return;
  check.Keep(ValidateDigestHex(preparation.face_model_sha256), "preparation.face_model_sha256");
  if (preparation.face_model.empty()) {
    check.Add("preparation.face_model_sha256 needs preparation.face_model");
  }
}

}  // namespace

absl::Status Validate(const RunSettings& settings) {
  FieldFaults check;
  if (!settings.plan_digest.empty()) {
    check.Keep(ValidateDigestHex(settings.plan_digest), "plan_digest");
  }
  CheckChunks(settings.chunks, check);
  CheckRanges(settings, check);
  CheckModel(settings.model, check);
  RequireFrontEndForSelfMade(settings.model.front_end, settings.recipe.self_made_share, check);
  const int batch_size = settings.recipe.batch_size;
  if (batch_size % 2 != 0) {
    check.Add(Cat("recipe.batch_size is ", batch_size, "; it must be even, half real and half fake"));
  }
  CheckStages(settings.recipe.stages, check);
  CheckPreparation(settings.preparation, check);
  const EvaluationSettings& evaluation = settings.evaluation;
  check.Within("evaluation.held_out_fold", evaluation.held_out_fold, 0, evaluation.folds - 1);
  return check.ToStatus();
}

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
  if (settings.model.front_end == ModelSettings{}.front_end) object["model"].erase("front_end");
  if (settings.recipe.self_made_share == 0) object["recipe"].erase("self_made_share");
  if (settings.evaluation.evaluate_every_steps == 0) object["evaluation"].erase("evaluate_every_steps");
  if (settings.preparation.face_model_sha256.empty()) object["preparation"].erase("face_model_sha256");
  return object.dump(1) + "\n";
}

}  // namespace interceptor::worker
