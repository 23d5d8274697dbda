#include "worker/store/settings.h"

#include <string>

#include "common/base/status.h"
#include "common/io/atomic_file.h"
#include "tests/support/catch.h"

namespace interceptor::worker {
namespace {

CATCH_TEST_CASE("an empty object is the defaults, and absent fields keep theirs") {
  const auto settings = ParseRunSettings("{}");
  CATCH_REQUIRE(settings.ok());
  CATCH_CHECK(settings->recipe.batch_size == 32);
  CATCH_CHECK(settings->chunks.size() == 10);
  const auto partial =
      ParseRunSettings(R"({"version":1,"recipe":{"batch_size":8},"evaluation":{"folds":3}})");
  CATCH_REQUIRE(partial.ok());
  CATCH_CHECK(partial->recipe.batch_size == 8);
  CATCH_CHECK(partial->recipe.learning_rate == 3e-4);
  CATCH_CHECK(partial->evaluation.folds == 3);
}

CATCH_TEST_CASE("settings come back as they were written") {
  RunSettings settings;
  settings.plan_digest = std::string(64, 'b');
  settings.seed = 4000000000u;
  settings.chunks = {"07", "03"};
  settings.model.input_pixels = 96;
  settings.model.initial_weights.file = "b4.safetensors";
  settings.model.initial_weights.sha256 = std::string(64, 'c');
  settings.recipe.learning_rate = 0.1 + 0.2 - 0.2;
  settings.recipe.stages = {{.until_progress = 0.3, .input_pixels = 64, .pace = 0.5}, {}};
  settings.preparation.labels_csv = "labels.csv";
  settings.preparation.face_model = "yunet.onnx";
  settings.preparation.replay_reservoir = 0.25;
  settings.evaluation.look_ahead = false;
  settings.checkpoints.keep_latest = 3;
  CATCH_CHECK(RunSettingsToJson(settings).find("face_model_sha256") == std::string::npos);
  CATCH_CHECK(RunSettingsToJson(settings).find("front_end") == std::string::npos);
  CATCH_CHECK(RunSettingsToJson(settings).find("self_made_share") == std::string::npos);
  CATCH_CHECK(RunSettingsToJson(settings).find("evaluate_every_steps") == std::string::npos);
  settings.evaluation.evaluate_every_steps = 500;
  settings.model.front_end = "specialist";
  settings.recipe.self_made_share = 0.25;
  settings.preparation.face_model_sha256 = std::string(64, 'd');
  const std::string text = RunSettingsToJson(settings);
  const auto read = ParseRunSettings(text);
  CATCH_INFO(Message(read.status()));
  CATCH_REQUIRE(read.ok());
  CATCH_CHECK(RunSettingsToJson(*read) == text);
  CATCH_CHECK(read->seed == 4000000000u);
  CATCH_CHECK(read->chunks == settings.chunks);
  CATCH_CHECK(read->recipe.learning_rate == settings.recipe.learning_rate);
  CATCH_CHECK(read->recipe.stages.size() == 2);
  CATCH_CHECK(read->recipe.stages[0].input_pixels == 64);
  CATCH_CHECK(read->model.input_pixels == 96);
  CATCH_CHECK(read->model.front_end == "specialist");
  CATCH_CHECK(read->recipe.self_made_share == 0.25);
  CATCH_CHECK(read->model.initial_weights.file == "b4.safetensors");
  CATCH_CHECK_FALSE(read->evaluation.look_ahead);
  CATCH_CHECK(read->evaluation.evaluate_every_steps == 500);
  CATCH_CHECK(read->preparation.replay_reservoir == 0.25);
  CATCH_CHECK(read->preparation.face_model_sha256 == std::string(64, 'd'));
}

CATCH_TEST_CASE("the scales of a small network come back as they were written") {
  RunSettings settings;
  settings.model.width_scale = 0.25;
  settings.model.depth_scale = 0.5;
  const auto read = ParseRunSettings(RunSettingsToJson(settings));
  CATCH_REQUIRE(read.ok());
  CATCH_CHECK(read->model.width_scale == 0.25);
  CATCH_CHECK(read->model.depth_scale == 0.5);
}

CATCH_TEST_CASE("a fault in the settings names the field") {
  struct Case {
    const char* text;
    const char* named;
  };
  const Case cases[] = {
      {R"({"recpie":{}})", "recpie"},
      {R"({"recipe":{"learning_rat":1}})", "learning_rat"},
      {R"({"recipe":{"batch_size":"many"}})", "batch_size"},
      {R"({"recipe":{"batch_size":8.5}})", "batch_size"},
      {R"({"recipe":{"batch_size":99999999999}})", "batch_size"},
      {R"({"recipe":{"stages":[{"until":1}]}})", "until"},
      {R"({"recipe":{"stages":[7]}})", "stages[0]"},
      {R"({"recipe":7})", "recipe"},
      {R"({"model":{"initial_weights":{"file":"x"}}})", "initial_weights"},
      {R"({"model":{"initial_weights":{"name":"x"}}})", "name"},
      {R"({"model":{"front_end":"eyes"}})", "front_end"},
      {R"({"recipe":{"self_made_share":0.25}})", "needs model.front_end \"specialist\""},
      {R"({"model":{"front_end":"specialist","input_pixels":100}})", "multiple of 32"},
      {R"({"seed":-1})", "seed"},
      {R"({"chunks":[1]})", "chunks[0]"},
      {R"({"evaluation":{"folds":1}})", "evaluation.folds"},
      {R"({"evaluation":{"look_ahead":1}})", "look_ahead"},
      {R"({"evaluation":{"evaluate_every_steps":-1}})", "evaluate_every_steps"},
      {R"({"seed":1,"seed":2})", "seed"},
      {"{", "run.json"},
  };
  for (const Case& c : cases) {
    const absl::Status status = ParseRunSettings(c.text).status();
    CATCH_INFO(c.text << " -> " << Message(status));
    CATCH_CHECK(status.code() == absl::StatusCode::kInvalidArgument);
    CATCH_CHECK(Message(status).find(c.named) != std::string::npos);
  }
}

CATCH_TEST_CASE("settings of a newer version are refused as such") {
  CATCH_CHECK(ParseRunSettings(R"({"version":2,"new":1})").status().code() ==
              absl::StatusCode::kFailedPrecondition);
}

CATCH_TEST_CASE("settings that version 1 wrote are read and written as they were") {
  const auto text = ReadWholeFile(SystemFiles(), INTERCEPTOR_GOLDEN "/run_settings_v1/run.json");
  CATCH_REQUIRE(text.ok());
  const auto settings = ParseRunSettings(*text);
  CATCH_INFO(settings.status().ToString());
  CATCH_REQUIRE(settings.ok());
  CATCH_CHECK(settings->seed == 11);
  CATCH_CHECK(settings->model.width_scale == 0.1);
  CATCH_CHECK(RunSettingsToJson(*settings) == *text);
}

}  // namespace
}  // namespace interceptor::worker
