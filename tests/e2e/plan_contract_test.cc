// Two readers of one plan: common/plan writes run.json, worker/store reads it, and both know the same
// defaults.
#include "common/base/status.h"
#include "common/plan/plan.h"
#include "common/plan/run_settings.h"
#include "tests/support/catch.h"
#include "worker/store/settings.h"

namespace interceptor {
namespace {

std::string BarePlan() {
  std::string text = R"(
    name: "bare"
    members { name: "a" specialists: "BG" specialists: "AV" }
    members { name: "b" integrates: true }
  )";
  for (int i = 0; i < 10; ++i) text += Cat("chunks { name: \"0", i, "\" }\n");
  return text;
}

}  // namespace

CATCH_TEST_CASE("The plan's defaults are the worker's defaults") {
  const absl::StatusOr<v1::Plan> plan = ParsePlan(BarePlan(), "bare");
  CATCH_REQUIRE(plan.ok());
  const absl::StatusOr<worker::RunSettings> settings = worker::ParseRunSettings(RunSettingsJson(*plan, ""));
  CATCH_CAPTURE(Message(settings.status()));
  CATCH_REQUIRE(settings.ok());
  CATCH_CHECK(worker::RunSettingsToJson(*settings) == worker::RunSettingsToJson(worker::RunSettings{}));
}

CATCH_TEST_CASE("The worker reads what the plans of the house say") {
  for (const char* name : {"master.txtpb", "demo.txtpb"}) {
    CATCH_CAPTURE(name);
    const absl::StatusOr<v1::Plan> plan = LoadPlan(SystemFiles(), Cat(INTERCEPTOR_PLANS, "/", name));
    CATCH_REQUIRE(plan.ok());
    const absl::StatusOr<worker::RunSettings> settings =
        worker::ParseRunSettings(RunSettingsJson(*plan, PlanDigest(*plan)));
    CATCH_CAPTURE(Message(settings.status()));
    CATCH_REQUIRE(settings.ok());
    CATCH_CHECK(settings->plan_digest == PlanDigest(*plan));
    CATCH_CHECK(settings->chunks.size() == 10);
    CATCH_CHECK(settings->model.width_scale == plan->model().width_scale());
    CATCH_CHECK(settings->recipe.learning_rate == plan->recipe().learning_rate());
    CATCH_CHECK(static_cast<int>(settings->recipe.stages.size()) == plan->recipe().stages_size());
    CATCH_CHECK(settings->evaluation.folds == plan->evaluation().folds());
    CATCH_CHECK(settings->checkpoints.period_seconds == plan->checkpoints().period_seconds());
  }
}

}  // namespace interceptor
