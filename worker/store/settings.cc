#include "worker/store/settings.h"

#include <limits>
#include <type_traits>
#include <vector>

#include "common/base/status.h"
#include "common/io/config.h"

namespace interceptor::worker {
namespace {

using nlohmann::json;

constexpr int64_t kRunSettingsVersion = 1;
// Written only where it is set, so that settings without it keep their bytes.
constexpr char kFaceModelDigest[] = "face_model_sha256";

// Each Visit* names the fields of one section once; reading and writing are two visitors of the same list.
template <typename Visitor, typename Stage>
void VisitStage(Visitor& visit, Stage& stage) {
  visit("until_progress", stage.until_progress);
  visit("input_pixels", stage.input_pixels);
  visit("trainable_stages", stage.trainable_stages);
  visit("augmentation_strength", stage.augmentation_strength);
  visit("pace", stage.pace);
}

template <typename Visitor, typename Model>
void VisitInitialWeights(Visitor& visit, Model& model) {
  visit("file", model.initial_weights_file);
  visit("sha256", model.initial_weights_sha256);
}

template <typename Visitor, typename Model>
void VisitModel(Visitor& visit, Model& model) {
  visit("architecture", model.architecture);
  visit("input_pixels", model.input_pixels);
  visit("width_scale", model.width_scale);
  visit("depth_scale", model.depth_scale);
  visit("classes", model.classes);
}

template <typename Visitor, typename RecipeFields>
void VisitRecipe(Visitor& visit, RecipeFields& recipe) {
  visit("learning_rate", recipe.learning_rate);
  visit("backbone_learning_rate_scale", recipe.backbone_learning_rate_scale);
  visit("weight_decay", recipe.weight_decay);
  visit("beta1", recipe.beta1);
  visit("beta2", recipe.beta2);
  visit("epsilon", recipe.epsilon);
  visit("warmup_steps", recipe.warmup_steps);
  visit("learning_rate_floor", recipe.learning_rate_floor);
  visit("anneal_share", recipe.anneal_share);
  visit("final_learning_rate", recipe.final_learning_rate);
  visit("batch_size", recipe.batch_size);
  visit("epochs_per_chunk", recipe.epochs_per_chunk);
  visit("steps_per_chunk_max", recipe.steps_per_chunk_max);
  visit("label_smoothing", recipe.label_smoothing);
  visit("dropout", recipe.dropout);
  visit("stochastic_depth", recipe.stochastic_depth);
  visit("gradient_clip", recipe.gradient_clip);
  visit("rounding_period", recipe.rounding_period);
  visit("replay_share_max", recipe.replay_share_max);
}

template <typename Visitor, typename Preparation>
void VisitPreparation(Visitor& visit, Preparation& preparation) {
  visit("view_pixels", preparation.view_pixels);
  visit("frames_per_fake", preparation.frames_per_fake);
  visit("frames_per_real", preparation.frames_per_real);
  visit("unmatched_share_max", preparation.unmatched_share_max);
  visit("expected_fake_share", preparation.expected_fake_share);
  visit("replay_reservoir", preparation.replay_reservoir);
  visit("face_detection_stride", preparation.face_detection_stride);
  visit("labels_csv", preparation.labels_csv);
  visit("face_model", preparation.face_model);
}

template <typename Visitor, typename Evaluation>
void VisitEvaluation(Visitor& visit, Evaluation& evaluation) {
  visit("folds", evaluation.folds);
  visit("held_out_fold", evaluation.held_out_fold);
  visit("look_ahead", evaluation.look_ahead);
  visit("bias_correction", evaluation.bias_correction);
  visit("frames_per_clip", evaluation.frames_per_clip);
  visit("deployment_prior", evaluation.deployment_prior);
}

template <typename Visitor, typename Checkpoints>
void VisitCheckpoints(Visitor& visit, Checkpoints& checkpoints) {
  visit("period_seconds", checkpoints.period_seconds);
  visit("keep_latest", checkpoints.keep_latest);
  visit("recovery_period_seconds", checkpoints.recovery_period_seconds);
}

// Writes fields into an object.
struct FieldWriter {
  json object = json::object();

  template <typename T>
  void operator()(const char* key, const T& value) {
    object[key] = value;
  }
};

// Reads the fields that are present and leaves the defaults of the others.
class FieldReader {
 public:
  FieldReader(const json& object, std::string what) : reader_(object, what), what_(std::move(what)) {}

  void operator()(const char* key, double& value) {
    if (reader_.Has(key)) value = reader_.Number(key);
  }
  void operator()(const char* key, bool& value) {
    if (reader_.Has(key)) value = reader_.Boolean(key);
  }
  void operator()(const char* key, std::string& value) {
    if (reader_.Has(key)) value = reader_.String(key);
  }
  void operator()(const char* key, int& value) { ReadInteger(key, value); }
  void operator()(const char* key, uint32_t& value) { ReadInteger(key, value); }

  JsonReader& json_reader() { return reader_; }

  // The first of the reader's own faults and those of nested parts.
  absl::Status Finish() {
    absl::Status status = reader_.Finish();
    status.Update(fault_);
    return status;
  }

 private:
  template <typename Integer>
  void ReadInteger(const char* key, Integer& value) {
    if (!reader_.Has(key)) return;
    const int64_t wide = reader_.Integer(key);
    if (wide < int64_t{std::numeric_limits<Integer>::min()} ||
        wide > int64_t{std::numeric_limits<Integer>::max()}) {
      fault_.Update(InvalidArgument(what_, ": ", key, " is ", wide, ", out of range"));
      return;
    }
    value = static_cast<Integer>(wide);
  }

  JsonReader reader_;
  std::string what_;
  absl::Status fault_;
};

absl::Status ReadStages(JsonReader& recipe, std::vector<CurriculumStage>& stages) {
  if (!recipe.Has("stages")) return absl::OkStatus();
  stages.clear();
  for (const json& item : recipe.Array("stages")) {
    const std::string what = Cat("run.json: recipe.stages[", stages.size(), "]");
    if (!item.is_object()) return InvalidArgument(what, " is not an object");
    FieldReader reader(item, what);
    VisitStage(reader, stages.emplace_back());
    ICPT_RETURN_IF_ERROR(reader.Finish());
  }
  return absl::OkStatus();
}

absl::Status ReadInitialWeights(JsonReader& model_reader, ModelSettings& model) {
  if (!model_reader.Has("initial_weights")) return absl::OkStatus();
  const json& object = model_reader.Object("initial_weights");
  if (!object.is_object()) return absl::OkStatus();  // Already a fault of `model_reader`.
  FieldReader reader(object, "run.json: model.initial_weights");
  VisitInitialWeights(reader, model);
  return reader.Finish();
}

absl::Status ReadChunks(JsonReader& root, std::vector<std::string>& chunks) {
  if (!root.Has("chunks")) return absl::OkStatus();
  chunks.clear();
  for (const json& item : root.Array("chunks")) {
    if (!item.is_string()) return InvalidArgument("run.json: chunks[", chunks.size(), "] is not a string");
    chunks.push_back(item.get<std::string>());
  }
  return absl::OkStatus();
}

// Reads one section by `visit`, which is handed the section's reader; OK when the section is absent.
template <typename Visit>
absl::Status ReadSection(JsonReader& root, const char* key, const Visit& visit) {
  if (!root.Has(key)) return absl::OkStatus();
  const json& object = root.Object(key);
  if (!object.is_object()) return absl::OkStatus();  // Already a fault of `root`.
  FieldReader reader(object, Cat("run.json: ", key));
  absl::Status nested = visit(reader);
  absl::Status status = reader.Finish();
  status.Update(nested);
  return status;
}

absl::Status ReadSections(JsonReader& root, RunSettings& settings) {
  ICPT_RETURN_IF_ERROR(ReadSection(root, "model", [&settings](FieldReader& reader) {
    VisitModel(reader, settings.model);
    return ReadInitialWeights(reader.json_reader(), settings.model);
  }));
  ICPT_RETURN_IF_ERROR(ReadSection(root, "recipe", [&settings](FieldReader& reader) {
    VisitRecipe(reader, settings.recipe);
    return ReadStages(reader.json_reader(), settings.recipe.stages);
  }));
  ICPT_RETURN_IF_ERROR(ReadSection(root, "preparation", [&settings](FieldReader& reader) {
    VisitPreparation(reader, settings.preparation);
    reader(kFaceModelDigest, settings.preparation.face_model_sha256);
    return absl::OkStatus();
  }));
  ICPT_RETURN_IF_ERROR(ReadSection(root, "evaluation", [&settings](FieldReader& reader) {
    VisitEvaluation(reader, settings.evaluation);
    return absl::OkStatus();
  }));
  return ReadSection(root, "checkpoints", [&settings](FieldReader& reader) {
    VisitCheckpoints(reader, settings.checkpoints);
    return absl::OkStatus();
  });
}

}  // namespace

absl::StatusOr<RunSettings> ParseRunSettings(std::string_view text) {
  auto parsed = ParseJsonObject(text);
  if (!parsed.ok()) return Annotate(parsed.status(), "run.json");
  const json& object = *parsed;
  RunSettings settings;
  FieldReader root(object, "run.json");
  if (root.json_reader().Has("version")) {
    const int64_t version = root.json_reader().Integer("version");
    if (version > kRunSettingsVersion) {
      return FailedPrecondition("run.json has version ", version, "; this program reads up to ",
                                kRunSettingsVersion, ": use the newer program that wrote it");
    }
    if (version < 1) return InvalidArgument("run.json: version is not ", kRunSettingsVersion);
  }
  root("plan_digest", settings.plan_digest);
  root("seed", settings.seed);
  ICPT_RETURN_IF_ERROR(ReadChunks(root.json_reader(), settings.chunks));
  ICPT_RETURN_IF_ERROR(ReadSections(root.json_reader(), settings));
  ICPT_RETURN_IF_ERROR(root.Finish());
  ICPT_RETURN_IF_ERROR(Annotate(Validate(settings), "run.json"));
  return settings;
}

std::string RunSettingsToJson(const RunSettings& settings) {
  FieldWriter root;
  root("version", kRunSettingsVersion);
  root("plan_digest", settings.plan_digest);
  root("seed", settings.seed);
  root("chunks", settings.chunks);

  FieldWriter model;
  VisitModel(model, settings.model);
  if (!settings.model.initial_weights_file.empty()) {
    FieldWriter weights;
    VisitInitialWeights(weights, settings.model);
    model("initial_weights", weights.object);
  }
  root("model", model.object);

  FieldWriter recipe;
  VisitRecipe(recipe, settings.recipe);
  json stages = json::array();
  for (const CurriculumStage& stage : settings.recipe.stages) {
    FieldWriter writer;
    VisitStage(writer, stage);
    stages.push_back(writer.object);
  }
  recipe("stages", stages);
  root("recipe", recipe.object);

  FieldWriter preparation;
  VisitPreparation(preparation, settings.preparation);
  if (!settings.preparation.face_model_sha256.empty()) {
    preparation(kFaceModelDigest, settings.preparation.face_model_sha256);
  }
  root("preparation", preparation.object);
  FieldWriter evaluation;
  VisitEvaluation(evaluation, settings.evaluation);
  root("evaluation", evaluation.object);
  FieldWriter checkpoints;
  VisitCheckpoints(checkpoints, settings.checkpoints);
  root("checkpoints", checkpoints.object);
  return root.object.dump(1) + "\n";
}

}  // namespace interceptor::worker
