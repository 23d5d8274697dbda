// Training from given weights: what is taken from the file, what is refused, and how backbone, BatchNorm and
// head are treated from then on. The weights are made up; a plan would refuse them for such a small network.
#include <algorithm>
#include <cmath>
#include <functional>
#include <map>

#include "common/base/status.h"
#include "common/io/safetensors.h"
#include "tests/support/colour_batch.h"
#include "tests/support/tiny_run.h"
#include "worker/engine/learner.h"
#include "worker/engine/start.h"

namespace interceptor::worker {
namespace {

constexpr double kRate = 3e-3;
// Enough for running statistics near those of the batches: activations would vanish otherwise.
constexpr int64_t kOtherSteps = 40;

std::unique_ptr<Learner> MakeLearner(const RunSettings& settings, bool from_given_weights) {
  LearnerOptions options = {.model = settings.model, .recipe = settings.recipe, .seed = settings.seed};
  options.from_given_weights = from_given_weights;
  absl::StatusOr<std::unique_ptr<Learner>> learner = Learner::Create(options);
  CATCH_REQUIRE(learner.ok());
  return *std::move(learner);
}

HostState StateOf(Learner& learner) {
  HostState state = MakeHostState(learner.architecture(), false);
  CATCH_REQUIRE(learner.CaptureAll(state).ok());
  return state;
}

StepResult StepOn(Learner& learner, const FrameBatch& batch, const CurriculumStage& stage, int64_t step) {
  const auto result =
      learner.Step({.batch = &batch, .weights = {}, .stage = &stage, .learning_rate = kRate, .step = step});
  CATCH_REQUIRE(result.ok());
  return *result;
}

struct NamedTensor {
  DType dtype = DType::kF32;
  std::vector<int64_t> shape;
  std::string bytes;
};

// Weights of a network that learned something else, as tensors by torchvision's names.
using Tensors = std::map<std::string, NamedTensor>;

Tensors BackboneOf(const Architecture& net, const HostState& state) {
  Tensors tensors;
  auto add = [&](const TensorPlace& place, const std::vector<float>& arena) {
    const auto* first = reinterpret_cast<const char*>(arena.data() + place.offset);
    tensors[place.name] = {DType::kF32, place.shape, {first, static_cast<size_t>(place.count) * 4}};
  };
  for (const TensorPlace& place : net.parameters) {
    if (place.group != kClassifierGroup) add(place, state.weights);
  }
  for (const TensorPlace& place : net.statistics) add(place, state.statistics);
  for (size_t i = 0; i < net.counters.size(); ++i) {
    tensors[net.counters[i]] = {
        DType::kI64, {}, {reinterpret_cast<const char*>(&state.counters[i]), sizeof(int64_t)}};
  }
  return tensors;
}

struct GivenWeights {
  GivenWeights() {
    RunSettings other = settings;
    other.seed = 99;
    const auto learner = MakeLearner(other, false);
    for (int64_t step = 0; step < kOtherSteps; ++step)
      StepOn(*learner, ColourBatch(8, 32), {.input_pixels = 32}, step);
    state = StateOf(*learner);
    net = learner->architecture();
    Write(BackboneOf(net, state));
  }

  static RunSettings Settings() {
    RunSettings tiny = TinySettings(1);
    tiny.recipe.dropout = tiny.recipe.stochastic_depth = tiny.recipe.label_smoothing = 0;
    tiny.recipe.warmup_steps = 10;
    tiny.recipe.gradient_clip = 1000;
    return tiny;
  }

  // The file and what the settings say of it.
  void Write(const Tensors& tensors) {
    std::vector<TensorBytes> list;
    for (const auto& [name, tensor] : tensors)
      list.push_back({name, tensor.dtype, tensor.shape, tensor.bytes});
    CATCH_REQUIRE(WriteSafetensors(SystemFiles(), folder.File("b4.safetensors"), {}, list).ok());
    settings.model.initial_weights = {"b4.safetensors",
                                      DigestOfFile(SystemFiles(), folder.File("b4.safetensors"))->hex};
  }

  // A learner that starts as a run under these settings would.
  absl::StatusOr<std::unique_ptr<Learner>> Begin() const {
    TrainerOptions options;
    options.settings = settings;
    options.data = folder.path();
    ICPT_ASSIGN_OR_RETURN(const StartingPoint start, FindStart(SystemFiles(), options));
    CATCH_CHECK(start.weights == "initial");
    CATCH_CHECK(start.digest == settings.model.initial_weights.sha256);
    std::unique_ptr<Learner> learner = MakeLearner(settings, start.checkpoint.info.from_given_weights);
    ICPT_RETURN_IF_ERROR(LoadStart(SystemFiles(), options, start, *learner));
    return learner;
  }

  ScratchFolder folder;
  RunSettings settings = Settings();
  Architecture net;
  HostState state;
};

// The largest change of one tensor between two states.
double Change(const Architecture& net, std::string_view name, const HostState& before,
              const HostState& after) {
  const TensorPlace& place = net.Parameter(name);
  double most = 0;
  for (int64_t i = place.offset; i < place.offset + place.count; ++i) {
    most = std::max(most, std::abs(double{after.weights[i]} - before.weights[i]));
  }
  return most;
}

CATCH_TEST_CASE("the backbone is the file's; head and moments are as freshly drawn") {
  GivenWeights given;
  Tensors tensors = BackboneOf(given.net, given.state);
  for (const char* classes : {"none", "1000", "2"}) {
    if (*classes != 'n') {
      const int64_t count = std::atoll(classes);
      tensors["classifier.1.bias"] = {DType::kF32, {count}, std::string(static_cast<size_t>(count) * 4, 'x')};
    }
    given.Write(tensors);
    const auto learner = given.Begin();
    CATCH_INFO("classes in the file: " << classes << ' ' << Message(learner.status()));
    CATCH_REQUIRE(learner.ok());
    const HostState start = StateOf(**learner);
    const HostState drawn = StateOf(*MakeLearner(given.settings, true));
    const auto head = given.net.Parameter("classifier.1.weight").offset;
    CATCH_CHECK(std::equal(start.weights.begin(), start.weights.begin() + head, given.state.weights.begin()));
    CATCH_CHECK(std::equal(start.weights.begin() + head, start.weights.end(), drawn.weights.begin() + head));
    CATCH_CHECK_FALSE(
        std::equal(start.weights.begin() + head, start.weights.end(), given.state.weights.begin() + head));
    CATCH_CHECK(start.statistics == given.state.statistics);
    CATCH_CHECK(start.counters == given.state.counters);
    CATCH_CHECK(start.exp_avg == drawn.exp_avg);
    CATCH_CHECK(start.group_steps == drawn.group_steps);
  }
}

CATCH_TEST_CASE("a file of weights that is not the plan's, or not the whole backbone, is refused by name") {
  GivenWeights given;
  const Tensors whole = BackboneOf(given.net, given.state);
  const struct {
    const char* said;
    std::function<void(Tensors&)> spoil;
  } cases[] = {
      {"no tensor features.0.0.weight", [](Tensors& t) { t.erase("features.0.0.weight"); }},
      {"no tensor features.8.1.running_var", [](Tensors& t) { t.erase("features.8.1.running_var"); }},
      {"no tensor features.0.1.num_batches", [](Tensors& t) { t.erase("features.0.1.num_batches_tracked"); }},
      {"tensor features.0.1.bias has another shape",
       [](Tensors& t) { t["features.0.1.bias"].shape.insert(t["features.0.1.bias"].shape.begin(), 1); }},
      {"tensor features.0.1.bias has another shape or type",
       [](Tensors& t) { t["features.0.1.bias"].dtype = DType::kI32; }},
      {"tensor features.9.0.weight has no place",
       [](Tensors& t) { t["features.9.0.weight"] = t["features.8.0.weight"]; }},
  };
  for (const auto& one : cases) {
    Tensors tensors = whole;
    one.spoil(tensors);
    given.Write(tensors);
    const absl::Status refused = given.Begin().status();
    CATCH_INFO(one.said << " -> " << Message(refused));
    CATCH_CHECK(absl::IsFailedPrecondition(refused));
    CATCH_CHECK(Message(refused).find(one.said) != std::string::npos);
    CATCH_CHECK(Message(refused).find("deploy/weights") != std::string::npos);
  }
  given.settings.model.initial_weights.sha256 = DigestOf("another").hex;
  CATCH_CHECK(absl::IsDataLoss(given.Begin().status()));
  given.settings.model.initial_weights.file = "absent.safetensors";
  const absl::Status absent = given.Begin().status();
  CATCH_CHECK(absl::IsFailedPrecondition(absent));
  CATCH_CHECK(Message(absent).find("copy the plan's file there") != std::string::npos);
}

CATCH_TEST_CASE("BatchNorm computes by the given statistics and never moves them, whatever is trained") {
  const GivenWeights given;
  const auto learner = given.Begin();
  CATCH_REQUIRE(learner.ok());
  const FrameBatch batch = ColourBatch(8, 32);
  for (int64_t step = 0; step < 6; ++step) {
    const CurriculumStage stage = {
        .input_pixels = 32, .trainable_stages = step < 3 ? 4 : kBackboneStages, .augmentation_strength = 0};
    const auto logits = (*learner)->Score(batch.input);
    CATCH_REQUIRE(logits.ok());
    double judged = 0;
    for (size_t i = 0; i < logits->size(); ++i) {
      judged += std::log1p(std::exp(batch.is_fake[i] ? -(*logits)[i].fused : (*logits)[i].fused)) / 8;
    }
    CATCH_CHECK(StepOn(**learner, batch, stage, step).loss == Approx(judged).epsilon(1e-4));
  }
  CATCH_CHECK(StateOf(**learner).statistics == given.state.statistics);
  CATCH_CHECK(StateOf(**learner).counters == given.state.counters);
}

CATCH_TEST_CASE("the head learns at the full rate, the backbone at its share, each from its own warm-up") {
  const GivenWeights given;
  const auto learner = given.Begin();
  CATCH_REQUIRE(learner.ok());
  const double share = given.settings.recipe.backbone_learning_rate_scale;
  const FrameBatch batch = ColourBatch(8, 32);
  const std::string head = "classifier.1.bias";
  const std::string last = "features.8.1.bias";
  const std::string first = "features.0.1.bias";

  // The first step of Adam moves a tensor that does not decay by the rate itself.
  const HostState start = StateOf(**learner);
  StepOn(**learner, batch, {.input_pixels = 32, .trainable_stages = 4}, 0);
  HostState before = StateOf(**learner);
  CATCH_CHECK(Change(given.net, head, start, before) == Approx(kRate / 10).epsilon(0.01));
  CATCH_CHECK(Change(given.net, last, start, before) == Approx(share * kRate / 10).epsilon(0.01));
  CATCH_CHECK(Change(given.net, first, start, before) == 0);

  // What is unfrozen later begins its own warm-up.
  for (int64_t step = 1; step < 10; ++step) {
    StepOn(**learner, batch, {.input_pixels = 32, .trainable_stages = 4}, step);
  }
  before = StateOf(**learner);
  StepOn(**learner, batch, {.input_pixels = 32}, 10);
  const HostState after = StateOf(**learner);
  CATCH_CHECK(Change(given.net, first, before, after) == Approx(share * kRate / 10).epsilon(0.01));
  CATCH_CHECK(after.group_steps == std::vector<int64_t>{1, 1, 1, 1, 1, 11, 11, 11, 11, 11});
}

CATCH_TEST_CASE("a run from given weights keeps their statistics to its end, over a resume too") {
  GivenWeights given;
  WriteStores(given.folder.path(), given.settings, 32);
  TrainerOptions options;
  options.settings = given.settings;
  options.store = options.data = given.folder.path();
  options.run = given.folder.File("straight");
  ScriptedControl straight(given.settings);
  const RunOutcome whole = RunHere(options, straight);
  CATCH_INFO(whole.status.ToString());
  CATCH_REQUIRE(whole.status.ok());
  CATCH_CHECK(straight.events.front().at("weights") == "initial");
  const auto end = ReadCheckpoint(SystemFiles(), whole.last_checkpoint, given.net);
  CATCH_REQUIRE(end.ok());
  CATCH_CHECK(end->info.from_given_weights);
  CATCH_CHECK(end->state.statistics == given.state.statistics);

  options.run = given.folder.File("stopped");
  ScriptedControl stopped(given.settings);
  stopped.stop_at = 5;
  CATCH_REQUIRE(RunHere(options, stopped).status.ok());
  ScriptedControl resumed(given.settings);
  const RunOutcome rest = RunHere(options, resumed);
  CATCH_REQUIRE(rest.status.ok());
  CATCH_CHECK(resumed.events.front().at("weights") == "snapshot");
  RequireSameState(whole.last_checkpoint, rest.last_checkpoint, given.settings);
}

}  // namespace
}  // namespace interceptor::worker
