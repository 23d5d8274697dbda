#include "worker/store/settings.h"

#include <cmath>
#include <functional>

#include "common/base/status.h"
#include "tests/support/catch.h"

namespace interceptor::worker {
namespace {

struct BadSetting {
  const char* named;  // what the message must contain
  std::function<void(RunSettings&)> spoil;
};

CATCH_TEST_CASE("the defaults are allowed") { CATCH_CHECK(Validate(RunSettings{}).ok()); }

CATCH_TEST_CASE("a value out of its range is refused, naming the field") {
  const BadSetting cases[] = {
      {"plan_digest", [](RunSettings& s) { s.plan_digest = "abc"; }},
      {"chunks", [](RunSettings& s) { s.chunks.clear(); }},
      {"'00' twice",
       [](RunSettings& s) {
         s.chunks = {"00", "00"};
       }},
      {"chunk '../x'", [](RunSettings& s) { s.chunks = {"../x"}; }},
      {"model.architecture", [](RunSettings& s) { s.model.architecture = "resnet50"; }},
      {"model.input_pixels", [](RunSettings& s) { s.model.input_pixels = 16; }},
      {"model.width_scale", [](RunSettings& s) { s.model.width_scale = 0; }},
      {"model.depth_scale", [](RunSettings& s) { s.model.depth_scale = 100; }},
      {"model.classes", [](RunSettings& s) { s.model.classes = 3; }},
      {"model.initial_weights", [](RunSettings& s) { s.model.initial_weights.file = "b4.safetensors"; }},
      {"recipe.learning_rate", [](RunSettings& s) { s.recipe.learning_rate = 0; }},
      {"recipe.weight_decay", [](RunSettings& s) { s.recipe.weight_decay = std::nan(""); }},
      {"recipe.beta1", [](RunSettings& s) { s.recipe.beta1 = 1; }},
      {"recipe.beta2", [](RunSettings& s) { s.recipe.beta2 = -0.1; }},
      {"recipe.epsilon", [](RunSettings& s) { s.recipe.epsilon = 0; }},
      {"recipe.warmup_steps", [](RunSettings& s) { s.recipe.warmup_steps = -1; }},
      {"recipe.batch_size", [](RunSettings& s) { s.recipe.batch_size = 0; }},
      {"must be even", [](RunSettings& s) { s.recipe.batch_size = 31; }},
      {"recipe.epochs_per_chunk", [](RunSettings& s) { s.recipe.epochs_per_chunk = 0; }},
      {"recipe.label_smoothing", [](RunSettings& s) { s.recipe.label_smoothing = 0.5; }},
      {"recipe.dropout", [](RunSettings& s) { s.recipe.dropout = 1; }},
      {"recipe.gradient_clip", [](RunSettings& s) { s.recipe.gradient_clip = 0; }},
      {"recipe.rounding_period", [](RunSettings& s) { s.recipe.rounding_period = 0; }},
      {"recipe.replay_share_max", [](RunSettings& s) { s.recipe.replay_share_max = 0.6; }},
      {"recipe.stages", [](RunSettings& s) { s.recipe.stages.clear(); }},
      {"recipe.stages[1].until_progress",
       [](RunSettings& s) {
         s.recipe.stages = {{.until_progress = 0.5}, {.until_progress = 0.5}};
       }},
      {"last of recipe.stages", [](RunSettings& s) { s.recipe.stages = {{.until_progress = 0.9}}; }},
      {"recipe.stages[0].trainable_stages", [](RunSettings& s) { s.recipe.stages[0].trainable_stages = 10; }},
      {"preparation.view_pixels", [](RunSettings& s) { s.preparation.view_pixels = 0; }},
      {"preparation.view_pixels", [](RunSettings& s) { s.preparation.view_pixels = 225; }},
      {"preparation.frames_per_fake", [](RunSettings& s) { s.preparation.frames_per_fake = 0; }},
      {"preparation.frames_per_real", [](RunSettings& s) { s.preparation.frames_per_real = 257; }},
      {"preparation.unmatched_share_max", [](RunSettings& s) { s.preparation.unmatched_share_max = 2; }},
      {"face_model_sha256 needs preparation.face_model",
       [](RunSettings& s) { s.preparation.face_model_sha256 = std::string(64, 'a'); }},
      {"preparation.face_model_sha256",
       [](RunSettings& s) {
         s.preparation.face_model = "yunet.onnx";
         s.preparation.face_model_sha256 = "8F";
       }},
      {"preparation.face_detection_stride", [](RunSettings& s) { s.preparation.face_detection_stride = 0; }},
      {"evaluation.folds", [](RunSettings& s) { s.evaluation.folds = 1; }},
      {"evaluation.held_out_fold", [](RunSettings& s) { s.evaluation.held_out_fold = 5; }},
      {"evaluation.deployment_prior", [](RunSettings& s) { s.evaluation.deployment_prior = 1; }},
      {"checkpoints.period_seconds", [](RunSettings& s) { s.checkpoints.period_seconds = 0; }},
      {"checkpoints.keep_latest", [](RunSettings& s) { s.checkpoints.keep_latest = 0; }},
  };
  for (const BadSetting& bad : cases) {
    RunSettings settings;
    bad.spoil(settings);
    const absl::Status status = Validate(settings);
    CATCH_INFO(bad.named << " -> " << Message(status));
    CATCH_CHECK(status.code() == absl::StatusCode::kInvalidArgument);
    CATCH_CHECK(Message(status).find(bad.named) != std::string::npos);
  }
}

CATCH_TEST_CASE("weights to start from are refused for a scaled network, with the remedy") {
  RunSettings settings;
  settings.model.initial_weights = {"b4.safetensors", std::string(64, 'c')};
  CATCH_CHECK(Validate(settings).ok());
  settings.model.width_scale = 0.5;
  CATCH_CHECK(Message(Validate(settings)).find("model.width_scale is 0.5") != std::string::npos);
  settings.model.width_scale = 1;
  settings.model.depth_scale = 2;
  const std::string text = Message(Validate(settings));
  CATCH_CHECK(text.find("model.depth_scale 2: set both to 1, or leave") != std::string::npos);
}

CATCH_TEST_CASE("several faults are reported together") {
  RunSettings settings;
  settings.model.classes = 7;
  settings.recipe.batch_size = 0;
  const std::string text = Message(Validate(settings));
  CATCH_CHECK(text.find("model.classes is 7") != std::string::npos);
  CATCH_CHECK(text.find("recipe.batch_size is 0") != std::string::npos);
}

CATCH_TEST_CASE("people are told what a cascade costs, and nothing of YuNet") {
  CATCH_CHECK(FaceModelNotice("models/yunet.onnx").empty());
  for (const char* cascade : {"", "/usr/share/opencv4/haarcascades/face.xml"}) {
    CATCH_CHECK(FaceModelNotice(cascade).find("deploy/face-model") != std::string_view::npos);
  }
}

}  // namespace
}  // namespace interceptor::worker
