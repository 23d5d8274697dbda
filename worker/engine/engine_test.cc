// The engine through its walls of plain values: network, optimizer, checkpoint file, augmentation.
#include <sys/resource.h>

#include <algorithm>
#include <cmath>
#include <csignal>
#include <cstring>
#include <limits>
#include <set>

#include "absl/strings/str_split.h"
#include "common/base/status.h"
#include "common/io/atomic_file.h"
#include "common/io/safetensors.h"
#include "tests/support/catch.h"
#include "tests/support/scratch_folder.h"
#include "worker/child_protocol/run_folder.h"
#include "worker/engine/checkpoint.h"
#include "worker/engine/learner.h"
#include "worker/engine/ledger.h"
#include "worker/engine/recovery.h"
#include "worker/engine/start.h"
#include "worker/models/architecture.h"
#include "worker/models/specialist.h"

namespace interceptor::worker {
namespace {

LearnerOptions TinyOptions() {
  LearnerOptions options;
  options.model.width_scale = 0.1;
  options.model.depth_scale = 0.1;
  options.model.input_pixels = 32;
  options.recipe.learning_rate = 3e-3;
  options.recipe.warmup_steps = 0;
  options.recipe.dropout = 0;
  options.recipe.stochastic_depth = 0;
  return options;
}

// Fakes are red, reals are green.
FrameBatch ColourBatch(int count, int side) {
  FrameBatch batch;
  batch.input = {.count = count, .face_crop = {.side = side}};
  std::vector<uint8_t>& rgb = batch.input.face_crop.rgb;
  for (int i = 0; i < count; ++i) {
    const bool fake = i % 2 == 1;
    batch.is_fake.push_back(fake);
    Sample sample;
    sample.clip = static_cast<uint32_t>(i);
    sample.augmentation = MakeRandomKey(1, "test", {static_cast<uint64_t>(i)});
    batch.samples.push_back(sample);
    for (int p = 0; p < side * side; ++p) {
      const auto shade = static_cast<uint8_t>(100 + (p * (i + 3)) % 31);
      rgb.insert(rgb.end(), {fake ? uint8_t{200} : shade, fake ? shade : uint8_t{200}, shade});
    }
  }
  return batch;
}

std::unique_ptr<Learner> MakeLearner(const LearnerOptions& options) {
  absl::StatusOr<std::unique_ptr<Learner>> learner = Learner::Create(options);
  CATCH_REQUIRE(learner.ok());
  return *std::move(learner);
}

HostState StateOf(Learner& learner) {
  HostState state = MakeHostState(learner.architecture(), false);
  CATCH_REQUIRE(learner.CaptureAll(state).ok());
  return state;
}

StepInput InputOf(const FrameBatch& batch, const CurriculumStage& stage, int64_t step) {
  return {.batch = &batch, .weights = {}, .stage = &stage, .learning_rate = 3e-3, .step = step};
}

CATCH_TEST_CASE("a tiny network learns, and a step is a function of state and input") {
  const FrameBatch batch = ColourBatch(8, 32);
  const CurriculumStage stage = {.input_pixels = 32};
  const auto learner = MakeLearner(TinyOptions());
  const auto twin = MakeLearner(TinyOptions());
  double first = 0;
  double last = 0;
  for (int64_t step = 0; step < 25; ++step) {
    const auto result = learner->Step(InputOf(batch, stage, step));
    CATCH_REQUIRE(result.ok());
    CATCH_REQUIRE(twin->Step(InputOf(batch, stage, step)).ok());
    if (step == 0) first = result->loss;
    last = result->loss;
  }
  CATCH_CHECK(last < 0.5 * first);
  CATCH_CHECK(StateOf(*learner).weights == StateOf(*twin).weights);
  CATCH_CHECK(StateOf(*learner).statistics == StateOf(*twin).statistics);
  const auto scores = learner->Score(batch.input);
  CATCH_REQUIRE(scores.ok());
  CATCH_CHECK(scores->size() == 8);
}

CATCH_TEST_CASE("a scorer of given weights scores as the learner they come from") {
  const LearnerOptions options = TinyOptions();
  const auto learner = MakeLearner(options);
  const FrameBatch batch = ColourBatch(8, 32);
  const CurriculumStage stage = {.input_pixels = 32};
  CATCH_REQUIRE(learner->Step(InputOf(batch, stage, 0)).ok());
  const HostState state = StateOf(*learner);
  const auto scorer = MakeScorer({.model = options.model}, state.weights, state.statistics);
  CATCH_REQUIRE(scorer.ok());
  CATCH_CHECK(*(*scorer)->Score(batch.input) == *learner->Score(batch.input));
  const auto other = MakeScorer({.model = options.model}, state.weights, {});
  CATCH_CHECK(absl::IsInvalidArgument(other.status()));
}

CATCH_TEST_CASE("dropout, stochastic depth and augmentation follow the step's key, not a hidden state") {
  LearnerOptions options = TinyOptions();
  options.recipe.dropout = 0.4;
  options.recipe.stochastic_depth = 0.5;
  options.model.depth_scale = 0.4;
  const FrameBatch batch = ColourBatch(8, 32);
  const CurriculumStage stage = {.input_pixels = 32};
  const auto learner = MakeLearner(options);
  const HostState start = StateOf(*learner);
  const double loss = learner->Step(InputOf(batch, stage, 5))->loss;
  CATCH_REQUIRE(learner->Load(start).ok());
  const double other_step = learner->Step(InputOf(batch, stage, 6))->loss;
  CATCH_REQUIRE(learner->Load(start).ok());
  CATCH_CHECK(learner->Step(InputOf(batch, stage, 5))->loss == loss);
  CATCH_CHECK(other_step != loss);
}

CATCH_TEST_CASE("frozen stages keep their bytes and count no steps") {
  const FrameBatch batch = ColourBatch(4, 32);
  const CurriculumStage head_only = {.input_pixels = 32, .trainable_stages = 0};
  const auto learner = MakeLearner(TinyOptions());
  const HostState before = StateOf(*learner);
  CATCH_REQUIRE(learner->Step(InputOf(batch, head_only, 0)).ok());
  const HostState after = StateOf(*learner);
  const TensorPlace& head = learner->architecture().Parameter("classifier.1.weight");
  CATCH_CHECK(
      std::equal(before.weights.begin(), before.weights.begin() + head.offset, after.weights.begin()));
  CATCH_CHECK(before.statistics == after.statistics);
  CATCH_CHECK(before.weights != after.weights);
  CATCH_CHECK(after.group_steps == std::vector<int64_t>{0, 0, 0, 0, 0, 0, 0, 0, 0, 1});
}

CATCH_TEST_CASE("training from given weights leaves BatchNorm's statistics alone") {
  LearnerOptions options = TinyOptions();
  options.from_given_weights = true;
  const FrameBatch batch = ColourBatch(4, 32);
  const CurriculumStage stage = {.input_pixels = 32};
  const auto learner = MakeLearner(options);
  const HostState before = StateOf(*learner);
  CATCH_REQUIRE(learner->Step(InputOf(batch, stage, 0)).ok());
  CATCH_CHECK(StateOf(*learner).statistics == before.statistics);
}

CATCH_TEST_CASE("a loss that is not finite stops before the step") {
  const FrameBatch batch = ColourBatch(4, 32);
  const CurriculumStage stage = {.input_pixels = 32};
  const auto learner = MakeLearner(TinyOptions());
  HostState broken = StateOf(*learner);
  const TensorPlace& bias = learner->architecture().Parameter("classifier.1.bias");
  broken.weights[bias.offset] = std::numeric_limits<float>::quiet_NaN();
  CATCH_REQUIRE(learner->Load(broken).ok());
  const auto result = learner->Step(InputOf(batch, stage, 0));
  CATCH_REQUIRE_FALSE(result.ok());
  CATCH_CHECK(Message(result.status()).find("the step was not taken") != std::string::npos);
  const HostState after = StateOf(*learner);
  CATCH_CHECK(
      std::memcmp(after.weights.data(), broken.weights.data(), after.weights.size() * sizeof(float)) == 0);
}

CATCH_TEST_CASE("rounded moments are exactly what a published file holds") {
  const FrameBatch batch = ColourBatch(4, 32);
  const CurriculumStage stage = {.input_pixels = 32};
  const auto learner = MakeLearner(TinyOptions());
  CATCH_REQUIRE(learner->Step(InputOf(batch, stage, 0)).ok());
  const HostState exact = StateOf(*learner);
  HostState rounded = MakeHostState(learner->architecture(), true);
  CATCH_REQUIRE(learner->RoundMoments(rounded).ok());
  CATCH_REQUIRE(learner->CaptureWeights(rounded).ok());
  const HostState live = StateOf(*learner);
  CATCH_CHECK(live.exp_avg != exact.exp_avg);
  CATCH_CHECK(live.weights == exact.weights);
  const auto restored = MakeLearner(TinyOptions());
  CATCH_REQUIRE(restored->Load(rounded).ok());
  CATCH_CHECK(StateOf(*restored).exp_avg == live.exp_avg);
  CATCH_CHECK(StateOf(*restored).exp_avg_sq == live.exp_avg_sq);
  CATCH_CHECK(StateOf(*restored).group_steps == live.group_steps);
}

CATCH_TEST_CASE("what LibTorch throws comes out of every entry as a status") {
  const auto learner = MakeLearner(TinyOptions());
  const HostState good = StateOf(*learner);
  HostState broken = good;
  broken.exp_avg_sq.pop_back();
  CATCH_CHECK(absl::IsInvalidArgument(learner->Load(broken)));
  CATCH_CHECK(absl::IsInternal(learner->CaptureAll(broken)));
  CATCH_CHECK(absl::IsInternal(learner->RoundMoments(broken)));
  broken.weights.pop_back();
  CATCH_CHECK(absl::IsInternal(learner->CaptureWeights(broken)));
  FrameBatch batch = ColourBatch(4, 32);
  SpecialistInput no_pictures = {.count = 4};
  CATCH_CHECK(absl::IsInternal(learner->Score(no_pictures).status()));
  batch.is_fake.pop_back();
  const CurriculumStage stage = {.input_pixels = 32};
  CATCH_CHECK(absl::IsInternal(learner->Step(InputOf(batch, stage, 0)).status()));
  CATCH_CHECK(StateOf(*learner).weights == good.weights);
}

struct SavedFixture {
  SavedFixture() {
    learner = MakeLearner(TinyOptions());
    state = MakeHostState(learner->architecture(), true);
    CATCH_REQUIRE(learner->RoundMoments(state).ok());
    CATCH_REQUIRE(learner->CaptureWeights(state).ok());
    info.specialist = SpecialistName::kLL;
    info.plan_digest = DigestOf("plan").hex;
    info.manifests = {DigestOf("m0").hex, DigestOf("m1").hex};
    info.cursor = {.chunk = 1, .epoch = 2, .position = 3, .seed = 4};
    info.step = 99;
    info.facts = learner->facts();
    info.lineage = {DigestOf("first").hex};
    path = folder.File("checkpoint.safetensors");
    CATCH_REQUIRE(WriteCheckpoint(SystemFiles(), path, learner->architecture(), info, state, {1, 2, 3}).ok());
  }

  ScratchFolder folder;
  std::unique_ptr<Learner> learner;
  HostState state;
  CheckpointInfo info;
  std::string path;
};

CATCH_TEST_CASE("a checkpoint gives back what it was given") {
  const SavedFixture saved;
  const auto read = ReadCheckpoint(SystemFiles(), saved.path, saved.learner->architecture());
  CATCH_REQUIRE(read.ok());
  CATCH_CHECK(read->state.weights == saved.state.weights);
  CATCH_CHECK(read->state.statistics == saved.state.statistics);
  CATCH_CHECK(read->state.exp_avg_bf16 == saved.state.exp_avg_bf16);
  CATCH_CHECK(read->state.exp_avg_sq_bf16 == saved.state.exp_avg_sq_bf16);
  CATCH_CHECK(read->state.group_steps == saved.state.group_steps);
  CATCH_CHECK(read->losses == std::vector<float>{1, 2, 3});
  CATCH_CHECK(read->info.specialist == SpecialistName::kLL);
  CATCH_CHECK(read->info.cursor == saved.info.cursor);
  CATCH_CHECK(read->info.step == 99);
  CATCH_CHECK(read->info.manifests == saved.info.manifests);
  CATCH_CHECK(read->info.lineage == saved.info.lineage);
  CATCH_CHECK(read->info.facts.cpu_capability == saved.info.facts.cpu_capability);
}

CATCH_TEST_CASE("a checkpoint of another architecture, run or version is refused in clear words") {
  const SavedFixture saved;
  const auto wider = ReadCheckpoint(SystemFiles(), saved.path, MakeEfficientNetB4(0.2, 0.1, 2));
  CATCH_REQUIRE(wider.status().code() == absl::StatusCode::kFailedPrecondition);
  CATCH_CHECK(Message(wider.status()).find("another architecture") != std::string::npos);
  const std::string plan = saved.info.plan_digest;
  CATCH_CHECK(CheckBelongs(saved.info, SpecialistName::kLL, plan, 4).ok());
  CATCH_CHECK_FALSE(CheckBelongs(saved.info, SpecialistName::kBG, plan, 4).ok());
  CATCH_CHECK_FALSE(CheckBelongs(saved.info, SpecialistName::kLL, DigestOf("other").hex, 4).ok());
  CATCH_CHECK_FALSE(CheckBelongs(saved.info, SpecialistName::kLL, plan, 5).ok());

  std::string bytes = *ReadWholeFile(SystemFiles(), saved.path);
  const std::string version = "\"format_version\":\"1\"";
  bytes.replace(bytes.find(version), version.size(), "\"format_version\":\"9\"");
  CATCH_REQUIRE(WriteFileAtomically(SystemFiles(), saved.path, bytes).ok());
  const auto newer = ReadCheckpoint(SystemFiles(), saved.path, saved.learner->architecture());
  CATCH_REQUIRE(newer.status().code() == absl::StatusCode::kFailedPrecondition);
  CATCH_CHECK(Message(newer.status()).find("written by a newer version") != std::string::npos);
}

CATCH_TEST_CASE("one flipped bit anywhere in a checkpoint's data is found") {
  const SavedFixture saved;
  const std::string bytes = *ReadWholeFile(SystemFiles(), saved.path);
  for (const double place : {0.3, 0.5, 0.7, 0.999}) {
    std::string damaged = bytes;
    damaged[static_cast<size_t>(place * static_cast<double>(bytes.size()))] ^= 1;
    CATCH_REQUIRE(WriteFileAtomically(SystemFiles(), saved.path, damaged).ok());
    const auto read = ReadCheckpoint(SystemFiles(), saved.path, saved.learner->architecture());
    CATCH_CHECK(read.status().code() == absl::StatusCode::kDataLoss);
  }
  CATCH_REQUIRE(WriteFileAtomically(SystemFiles(), saved.path, bytes.substr(0, bytes.size() / 2)).ok());
  CATCH_CHECK(ReadCheckpoint(SystemFiles(), saved.path, saved.learner->architecture()).status().code() ==
              absl::StatusCode::kDataLoss);
}

CATCH_TEST_CASE("a snapshot is used only if it descends from the checkpoint to resume from") {
  const SavedFixture saved;
  const Architecture& net = saved.learner->architecture();
  const std::string path = SnapshotPath(saved.folder.path(), 1);
  SnapshotQuery query = {.run_folder = saved.folder.path(),
                         .specialist = SpecialistName::kLL,
                         .plan_digest = saved.info.plan_digest,
                         .seed = 4,
                         .chunk = 1};
  const HostState full = StateOf(*saved.learner);
  auto write = [&] { CATCH_REQUIRE(WriteCheckpoint(SystemFiles(), path, net, saved.info, full, {}).ok()); };
  write();
  query.resume_digest = saved.info.lineage.back();
  CATCH_REQUIRE(FindSnapshot(SystemFiles(), net, query).has_value());
  CATCH_CHECK(FindSnapshot(SystemFiles(), net, query)->number == 1);
  query.resume_digest = "";
  CATCH_CHECK(FindSnapshot(SystemFiles(), net, query).has_value());
  query.resume_digest = DigestOf("somebody else's").hex;
  CATCH_CHECK_FALSE(FindSnapshot(SystemFiles(), net, query).has_value());
  CATCH_CHECK_FALSE(SystemFiles().Exists(path));
}

CATCH_TEST_CASE("a snapshot is used only within the chunk of the checkpoint to resume from, and beyond it") {
  SavedFixture saved;
  const Architecture& net = saved.learner->architecture();
  const HostState full = StateOf(*saved.learner);
  auto write = [&](int64_t number, int chunk, int64_t step) {
    saved.info.cursor.chunk = chunk;
    saved.info.step = step;
    const std::string path = SnapshotPath(saved.folder.path(), number);
    CATCH_REQUIRE(WriteCheckpoint(SystemFiles(), path, net, saved.info, full, {}).ok());
  };
  write(0, 1, 99);
  write(1, 2, 200);
  auto found = [&](int chunk, int64_t step) {
    const auto snapshot = FindSnapshot(SystemFiles(), net,
                                       {.run_folder = saved.folder.path(),
                                        .specialist = SpecialistName::kLL,
                                        .plan_digest = saved.info.plan_digest,
                                        .seed = 4,
                                        .resume_digest = saved.info.lineage.back(),
                                        .chunk = chunk,
                                        .step = step});
    return snapshot.has_value() ? snapshot->checkpoint.info.step : -1;
  };
  CATCH_CHECK(found(1, 50) == 99);
  CATCH_CHECK(found(1, 99) == -1);
  CATCH_CHECK(found(2, 150) == 200);
  CATCH_CHECK(found(0, 0) == -1);
}

CATCH_TEST_CASE("the ledger keeps its lines whole, and those that found no room until there is some") {
  const ScratchFolder folder;
  const auto ledger = Ledger::Open(folder.path());
  CATCH_REQUIRE(ledger.ok());
  auto lines = [&] { return *ReadWholeFile(SystemFiles(), folder.File("ledger.csv")); };
  auto step = [&](int64_t number) { (*ledger)->Add("00", {.position = number}, number, {}); };
  step(0);
  const std::string first = lines();
  rlimit limit{};
  CATCH_REQUIRE(getrlimit(RLIMIT_FSIZE, &limit) == 0);
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  const rlimit small{first.size() + 5, limit.rlim_max};
  CATCH_REQUIRE(setrlimit(RLIMIT_FSIZE, &small) == 0);
  step(1);
  step(2);
  CATCH_REQUIRE(setrlimit(RLIMIT_FSIZE, &limit) == 0);
  std::signal(SIGXFSZ, handler);
  CATCH_CHECK(lines() == first);
  step(3);
  const std::vector<std::string> all = absl::StrSplit(lines(), '\n', absl::SkipEmpty());
  CATCH_REQUIRE(all.size() == 4);
  for (int i = 0; i < 4; ++i) CATCH_CHECK(all[i].starts_with(Cat("00,0,", i, ",", i, ",")));
}

CATCH_TEST_CASE("initial weights are taken by name and only with the plan's digest") {
  const SavedFixture saved;
  const Architecture& net = saved.learner->architecture();
  const std::string digest = DigestOfFile(SystemFiles(), saved.path)->hex;
  HostState blank = MakeHostState(net, false);
  const auto read = ReadInitialWeights(SystemFiles(), saved.path, digest, net, blank);
  CATCH_REQUIRE(read.ok());
  CATCH_CHECK(read->weights == saved.state.weights);
  CATCH_CHECK(read->exp_avg == blank.exp_avg);
  CATCH_CHECK(ReadInitialWeights(SystemFiles(), saved.path, DigestOf("x").hex, net, blank).status().code() ==
              absl::StatusCode::kDataLoss);
  const Architecture wider = MakeEfficientNetB4(0.3, 0.1, 2);
  const auto other =
      ReadInitialWeights(SystemFiles(), saved.path, digest, wider, MakeHostState(wider, false));
  CATCH_REQUIRE(other.status().code() == absl::StatusCode::kFailedPrecondition);
  CATCH_CHECK(Message(other.status()).find("features.") != std::string::npos);
}

CATCH_TEST_CASE("a device that is not there is named") {
  LearnerOptions options = TinyOptions();
  options.device = "cuda:57";
  const auto learner = Learner::Create(options);
  CATCH_REQUIRE(learner.status().code() == absl::StatusCode::kNotFound);
  CATCH_CHECK(Message(learner.status()).find("cuda:57") != std::string::npos);
}

}  // namespace
}  // namespace interceptor::worker
