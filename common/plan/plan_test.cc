#include "common/plan/plan.h"

#include <string>
#include <vector>

#include "common/base/status.h"
#include "tests/support/catch.h"

namespace interceptor {
namespace {

constexpr char kSmall[] = R"(
name: "small"
members { name: "a" specialists: "BG" specialists: "AV" }
members { name: "b" integrates: true }
chunks { name: "00" }
)";

std::string PlanPath(const std::string& name) { return Cat(INTERCEPTOR_PLANS, "/", name); }

std::string FaultOf(const std::string& text) {
  const absl::StatusOr<v1::Plan> plan = ParsePlan(text, "p.txtpb");
  CATCH_REQUIRE_FALSE(plan.ok());
  CATCH_CHECK(absl::IsInvalidArgument(plan.status()));
  return Message(plan.status());
}

void CheckMembersAndChunks(const v1::Plan& plan) {
  const std::vector<std::vector<std::string>> pairs = {{"BG", "AV"}, {"CM", "RR"}, {"LL", "TM"}, {}};
  CATCH_REQUIRE(plan.members_size() == 4);
  for (int i = 0; i < 4; ++i) {
    CATCH_CHECK(plan.members(i).name() == Cat("member-", i + 1));
    CATCH_CHECK(plan.members(i).integrates() == (i == 3));
    CATCH_CHECK(std::vector<std::string>(plan.members(i).specialists().begin(),
                                         plan.members(i).specialists().end()) == pairs[i]);
  }
  CATCH_REQUIRE(plan.chunks_size() == 10);
  for (int i = 0; i < 10; ++i) {
    CATCH_CHECK(plan.chunks(i).name() == Cat("0", i));
    CATCH_CHECK(plan.chunks(i).file() == Cat("0", i, ".zip"));
  }
}

}  // namespace

CATCH_TEST_CASE("The master plan says what the team decided") {
  const absl::StatusOr<v1::Plan> plan = LoadPlan(SystemFiles(), PlanPath("master.txtpb"));
  CATCH_REQUIRE(plan.ok());
  CheckMembersAndChunks(*plan);

  CATCH_CHECK(plan->model().architecture() == "efficientnet_b4");
  CATCH_CHECK(plan->model().input_pixels() == 224);
  CATCH_CHECK(plan->model().width_scale() == 1.0);
  CATCH_CHECK(plan->model().depth_scale() == 1.0);
  CATCH_CHECK(plan->model().classes() == 2);
  CATCH_CHECK(plan->recipe().optimizer() == v1::OPTIMIZER_ADAMW);
  CATCH_CHECK(plan->recipe().schedule() == v1::LEARNING_RATE_SCHEDULE_COSINE);
  CATCH_CHECK(plan->recipe().batch_size() % 2 == 0);
  CATCH_CHECK(plan->recipe().epochs_per_chunk() == 8);
  CATCH_CHECK(plan->recipe().self_made_share() == 0.25);
  CATCH_CHECK(plan->model().front_end() == "specialist");
  CATCH_CHECK(plan->preparation().face_model() == "face_detection_yunet_2023mar.onnx");
  CATCH_CHECK(plan->evaluation().look_ahead());
  CATCH_CHECK(plan->evaluation().folds() == 5);
  CATCH_CHECK(plan->evaluation().evaluate_every_steps() == 500);
  CATCH_CHECK(plan->evaluation().bias_correction());
  CATCH_CHECK(plan->checkpoints().period_seconds() == 3 * 3600);
  CATCH_CHECK(plan->checkpoints().keep_latest() == 2);
  CATCH_CHECK(plan->scheduling().handover_seconds() == 6 * 3600);

  const auto& stages = plan->recipe().stages();
  CATCH_REQUIRE(stages.size() == 3);
  for (int i = 1; i < 3; ++i) {
    CATCH_CHECK(stages[i].input_pixels() > stages[i - 1].input_pixels());
    CATCH_CHECK(stages[i].trainable_stages() > stages[i - 1].trainable_stages());
    CATCH_CHECK(stages[i].augmentation_strength() > stages[i - 1].augmentation_strength());
    CATCH_CHECK(stages[i].pace() > stages[i - 1].pace());
  }
  CATCH_CHECK(stages[2].input_pixels() == 224);
}

CATCH_TEST_CASE("The demo plan is the master plan at small scale") {
  const absl::StatusOr<v1::Plan> plan = LoadPlan(SystemFiles(), PlanPath("demo.txtpb"));
  CATCH_REQUIRE(plan.ok());
  CheckMembersAndChunks(*plan);
  CATCH_CHECK(plan->model().front_end() == "specialist");
  CATCH_CHECK(plan->recipe().self_made_share() > 0);
  CATCH_CHECK(plan->evaluation().look_ahead());
  CATCH_CHECK(plan->checkpoints().keep_latest() == 2);
  CATCH_CHECK(plan->scheduling().handover_seconds() == 10);
  CATCH_CHECK(plan->model().width_scale() < 1.0);
}

CATCH_TEST_CASE("What a plan does not mention takes its default; a written zero stays") {
  const absl::StatusOr<v1::Plan> bare = ParsePlan(kSmall, "p.txtpb");
  CATCH_REQUIRE(bare.ok());
  CATCH_CHECK(bare->chunks(0).file() == "00.zip");
  CATCH_CHECK(bare->recipe().dropout() == 0.4);
  CATCH_CHECK(bare->evaluation().look_ahead());
  CATCH_CHECK(bare->checkpoints().keep_latest() == 2);
  CATCH_REQUIRE(bare->recipe().stages_size() == 1);
  CATCH_CHECK(bare->recipe().stages(0).input_pixels() == 224);

  const absl::StatusOr<v1::Plan> zeros =
      ParsePlan(Cat(kSmall, "recipe { dropout: 0 stages { until_progress: 0.5 pace: 0 } stages {} }",
                    "evaluation { look_ahead: false }"),
                "p.txtpb");
  CATCH_REQUIRE(zeros.ok());
  CATCH_CHECK(zeros->recipe().dropout() == 0.0);
  CATCH_CHECK(zeros->recipe().stochastic_depth() == 0.2);
  CATCH_CHECK_FALSE(zeros->evaluation().look_ahead());
  CATCH_CHECK(zeros->evaluation().bias_correction());
  CATCH_REQUIRE(zeros->recipe().stages_size() == 2);
  CATCH_CHECK(zeros->recipe().stages(0).pace() == 0.0);
  CATCH_CHECK(zeros->recipe().stages(0).trainable_stages() == 9);
  CATCH_CHECK(zeros->recipe().stages(1).until_progress() == 1.0);
}

CATCH_TEST_CASE("A fault in the text is named with its place") {
  const std::string unknown = FaultOf("name: \"x\"\nrecipe { learning_rat: 1 }");
  CATCH_CHECK(unknown.find("p.txtpb:2:") == 0);
  CATCH_CHECK(unknown.find("no field named \"learning_rat\"") != std::string::npos);
  CATCH_CHECK(FaultOf(Cat(kSmall, "seed: 1 seed: 2")).find("p.txtpb:6:") == 0);
  CATCH_CHECK(FaultOf("name: \"x").find("p.txtpb:1:") == 0);
  CATCH_CHECK(FaultOf(Cat(kSmall, "seed: -1")).find("p.txtpb:6:") == 0);

  const absl::StatusOr<v1::Plan> absent = LoadPlan(SystemFiles(), "/nowhere/p.txtpb");
  CATCH_CHECK(absl::IsNotFound(absent.status()));
  CATCH_CHECK(Message(absent.status()).find("/nowhere/p.txtpb") != std::string::npos);
}

CATCH_TEST_CASE("A value out of range is named with its path and what is allowed") {
  const struct {
    const char* extra;
    const char* path;
    const char* allowed;
  } cases[] = {
      {"model { input_pixels: 8 }", "model.input_pixels is 8", "32 to 1024"},
      {"model { front_end: \"eyes\" }", "model.front_end is \"eyes\"", "\"face_crop\" or \"specialist\""},
      {"model { front_end: \"specialist\" input_pixels: 200 }", "model.input_pixels is 200",
       "multiple of 32"},
      {"recipe { self_made_share: 0.25 }", "recipe.self_made_share is 0.25",
       "model.front_end \"specialist\""},
      {"model { front_end: \"specialist\" } recipe { self_made_share: 2 }", "recipe.self_made_share is 2",
       "0 to 1"},
      {"model { classes: 3 }", "model.classes is 3", "2 (real and fake)"},
      {"model { architecture: \"resnet\" }", "model.architecture is \"resnet\"", "\"efficientnet_b4\""},
      {"model { initial_weights { file: \"../w\" sha256: \"1\" } }", "model.initial_weights.file", "inside"},
      {"model { width_scale: 0.5 initial_weights { file: \"w\" } }",
       "model.initial_weights is for EfficientNet-B4 itself", "set both to 1"},
      {"model { depth_scale: 1.5 initial_weights { file: \"w\" } }", "model.depth_scale 1.5", "leave"},
      {"recipe { batch_size: 31 }", "recipe.batch_size is 31", "even"},
      {"recipe { learning_rate: 0 }", "recipe.learning_rate is 0", "more than 0"},
      {"recipe { dropout: nan }", "recipe.dropout is nan", "0 to 0.9"},
      {"recipe { optimizer: OPTIMIZER_UNSPECIFIED }", "recipe.optimizer", "OPTIMIZER_ADAMW"},
      {"recipe { stages { until_progress: 0.9 } }", "recipe.stages[0].until_progress is 0.9",
       "1 for the last"},
      {"recipe { stages { until_progress: 0 } stages {} }", "recipe.stages[0].until_progress is 0",
       "more than 0"},
      {"recipe { stages { input_pixels: 300 } }", "recipe.stages[0].input_pixels is 300", "32 to 224"},
      {"evaluation { evaluate_every_steps: -1 }", "evaluation.evaluate_every_steps is -1", "0 to 100000000"},
      {"evaluation { folds: 3 held_out_fold: 3 }", "evaluation.held_out_fold is 3", "0 to 2"},
      {"preparation { labels_csv: \"/etc/x\" }", "preparation.labels_csv is \"/etc/x\"", "inside"},
      {"preparation { face_model: \"../x\" }", "preparation.face_model is \"../x\"", "inside"},
      {"preparation { face_model: \"x\" face_model_sha256: \"1\" }", "preparation.face_model_sha256", "64"},
      {"preparation { face_model_sha256: \"1\" }", "preparation.face_model_sha256",
       "needs preparation.face_model"},
      {"checkpoints { keep_latest: 0 }", "checkpoints.keep_latest is 0", "1 to 100"},
      {"scheduling { lease_ttl_seconds: 0 }", "scheduling.lease_ttl_seconds is 0", "1 to 86400"},
      {"members { name: \"a\" specialists: \"CM\" specialists: \"RR\" }", "members[2].name \"a\"", "taken"},
      {"members { name: \"c\" specialists: \"CM\" }", "members[2].specialists", "allowed: 2"},
      {"members { name: \"c\" specialists: \"XX\" specialists: \"RR\" }", "\"XX\"", "BG, AV, CM"},
      {"members { name: \"c\" specialists: \"BG\" specialists: \"RR\" }", "members[2].specialists",
       "already"},
      {"members { name: \"c\" specialists: \"x-a/b\" }", "members[2].specialists", "letters"},
      {"members { name: \"c\" specialists: \"x-a\" specialists: \"x-b\" specialists: \"x-c\" }",
       "members[2].specialists", "allowed: 2"},
      {"members { name: \"c\" specialists: \"x-a\" integrates: true }", "members[2].specialists",
       "allowed: 2"},
      {"members { name: \"c\" integrates: true }", "integrates", "allowed: 1"},
      {"chunks { name: \"00\" }", "chunks[1].name", "taken"},
      {"chunks { name: \"01\" file: \"d/01.zip\" }", "chunks[1].file", "without folders"},
      {"chunks { name: \"01\" sha256: \"abc\" }", "chunks[1].sha256", "64"},
  };
  for (const auto& one : cases) {
    CATCH_CAPTURE(one.extra);
    const std::string fault = FaultOf(Cat(kSmall, one.extra));
    CATCH_CHECK(fault.find(one.path) != std::string::npos);
    CATCH_CHECK(fault.find(one.allowed) != std::string::npos);
  }
}

CATCH_TEST_CASE("A plan may name specialists of its own and as many members as a coordinator serves") {
  const absl::StatusOr<v1::Plan> mixed =
      ParsePlan(Cat(kSmall, "members { name: \"c\" specialists: \"x-a\" }",
                    "members { name: \"d\" specialists: \"CM\" specialists: \"x-b\" }"),
                "p.txtpb");
  CATCH_CHECK(mixed.ok());

  std::string fleet = "name: \"fleet\" chunks { name: \"00\" } members { name: \"z\" integrates: true }";
  for (int i = 1; i < 10'000; ++i) fleet += Cat("members{name:\"m-", i, "\" specialists:\"x-", i, "\"}");
  CATCH_CHECK(ParsePlan(fleet, "p.txtpb").ok());
  const std::string fault = FaultOf(fleet + "members { name: \"one-more\" specialists: \"x-one-more\" }");
  CATCH_CHECK(fault.find("members (their number) is 10001, allowed: 2 to 10000") != std::string::npos);
}

CATCH_TEST_CASE("Faults are listed together") {
  const std::string fault = FaultOf(Cat(kSmall, "model { classes: 1 } evaluation { folds: 1 }"));
  CATCH_CHECK(fault.find("model.classes") != std::string::npos);
  CATCH_CHECK(fault.find("evaluation.folds") != std::string::npos);
}

CATCH_TEST_CASE("The digest follows the meaning of a plan and not its layout") {
  const absl::StatusOr<v1::Plan> plan = ParsePlan(kSmall, "p");
  const absl::StatusOr<v1::Plan> said = ParsePlan(Cat("# note\n", kSmall, "recipe { dropout: 0.4 }"), "p");
  const absl::StatusOr<v1::Plan> other = ParsePlan(Cat(kSmall, "recipe { dropout: 0.3 }"), "p");
  CATCH_REQUIRE((plan.ok() && said.ok() && other.ok()));
  CATCH_CHECK(PlanDigest(*plan).size() == 64);
  CATCH_CHECK(PlanDigest(*plan) == PlanDigest(*said));
  CATCH_CHECK(PlanDigest(*plan) != PlanDigest(*other));
}

}  // namespace interceptor
