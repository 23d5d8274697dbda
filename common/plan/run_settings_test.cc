#include "common/plan/run_settings.h"

#include <nlohmann/json.hpp>

#include "common/plan/plan.h"
#include "tests/support/catch.h"

namespace interceptor {

CATCH_TEST_CASE("run.json carries the plan under its own field names") {
  const absl::StatusOr<v1::Plan> plan = ParsePlan(R"(
      name: "small" seed: 4000000000
      members { name: "a" specialists: "BG" specialists: "AV" }
      members { name: "b" integrates: true }
      chunks { name: "00" } chunks { name: "01" }
      recipe { dropout: 0 stages { until_progress: 0.5 pace: 0.25 } stages {} })",
                                                  "p");
  CATCH_REQUIRE(plan.ok());
  const nlohmann::json settings = nlohmann::json::parse(RunSettingsJson(*plan, "d1"));
  CATCH_CHECK(settings.at("version") == 1);
  CATCH_CHECK(settings.at("plan_digest") == "d1");
  CATCH_CHECK(settings.at("seed").is_number_unsigned());
  CATCH_CHECK(settings.at("seed") == 4000000000u);
  CATCH_CHECK(settings.at("chunks") == nlohmann::json({"00", "01"}));
  CATCH_CHECK(settings.at("recipe").at("dropout") == 0.0);
  CATCH_CHECK(settings.at("recipe").at("stages").size() == 2);
  CATCH_CHECK(settings.at("recipe").at("stages")[0].at("pace") == 0.25);
  CATCH_CHECK(settings.at("evaluation").at("look_ahead") == true);
  CATCH_CHECK(settings.at("checkpoints").at("keep_latest") == 2);
  CATCH_CHECK_FALSE(settings.at("model").contains("initial_weights"));
  CATCH_CHECK_FALSE(settings.at("checkpoints").contains("vault_bytes_max"));
  CATCH_CHECK_FALSE(settings.contains("members"));
}

CATCH_TEST_CASE("run.json names the weights to start from") {
  v1::Plan plan = DefaultPlan();
  plan.mutable_model()->mutable_initial_weights()->set_file("w.safetensors");
  const nlohmann::json settings = nlohmann::json::parse(RunSettingsJson(plan, ""));
  CATCH_CHECK(settings.at("model").at("initial_weights").at("file") == "w.safetensors");
}

CATCH_TEST_CASE("run.json says what a network looks at only where the plan does") {
  v1::Plan plan = DefaultPlan();
  const auto model = [&plan] { return nlohmann::json::parse(RunSettingsJson(plan, "")).at("model"); };
  CATCH_CHECK_FALSE(model().contains("front_end"));
  plan.mutable_model()->set_front_end("specialist");
  CATCH_CHECK(model().at("front_end") == "specialist");
}

CATCH_TEST_CASE("run.json says how often to validate only where the plan does") {
  v1::Plan plan = DefaultPlan();
  const auto evaluation = [&plan] {
    return nlohmann::json::parse(RunSettingsJson(plan, "")).at("evaluation");
  };
  CATCH_CHECK_FALSE(evaluation().contains("evaluate_every_steps"));
  plan.mutable_evaluation()->set_evaluate_every_steps(500);
  CATCH_CHECK(evaluation().at("evaluate_every_steps") == 500);
}

CATCH_TEST_CASE("run.json has the face model's digest only where the plan names one") {
  v1::Plan plan = DefaultPlan();
  const auto preparation = [&plan] {
    return nlohmann::json::parse(RunSettingsJson(plan, "")).at("preparation");
  };
  CATCH_CHECK_FALSE(preparation().contains("face_model_sha256"));
  plan.mutable_preparation()->set_face_model_sha256("d1");
  CATCH_CHECK(preparation().at("face_model_sha256") == "d1");
}

}  // namespace interceptor
