// Checkpoint files that version 1 wrote (tests/golden/checkpoint_v1) open in every later build.
#include "worker/engine/checkpoint.h"

#include "common/base/digest.h"
#include "common/base/status.h"
#include "common/io/atomic_file.h"
#include "tests/support/bias_sample.h"
#include "tests/support/catch.h"
#include "tests/support/scratch_folder.h"

namespace interceptor::worker {
namespace {

// Two parameters, one BatchNorm: enough for every kind of tensor that a checkpoint holds.
Architecture TwoParameters() {
  Architecture net;
  net.parameters = {{.name = "features.0.0.weight", .shape = {2, 1, 1, 1}, .offset = 0, .count = 2},
                    {.name = "classifier.1.bias", .shape = {2}, .offset = 2, .count = 2, .group = 9}};
  net.arena_size = 4;
  net.statistics = {{.name = "features.0.1.running_mean", .shape = {2}, .offset = 0, .count = 2},
                    {.name = "features.0.1.running_var", .shape = {2}, .offset = 2, .count = 2}};
  net.statistic_count = 4;
  net.counters = {"features.0.1.num_batches_tracked"};
  return net;
}

Checkpoint ReadGolden(const std::string& file) {
  const auto read =
      ReadCheckpoint(SystemFiles(), Cat(INTERCEPTOR_GOLDEN "/checkpoint_v1/", file), TwoParameters());
  CATCH_REQUIRE(read.ok());
  return *read;
}

void CheckWhatBothHold(const Checkpoint& golden) {
  CATCH_CHECK(golden.state.weights == std::vector<float>{0.5F, -1.25F, 3, 1e-20F});
  CATCH_CHECK(golden.state.statistics == std::vector<float>{0.125F, -2, 1, 4});
  CATCH_CHECK(golden.state.counters == std::vector<int64_t>{77});
  CATCH_CHECK(golden.state.group_steps == std::vector<int64_t>{9, 8, 7, 6, 5, 4, 3, 2, 1, 0});
  CATCH_CHECK(golden.info.specialist == SpecialistName::kTM);
  CATCH_CHECK(golden.info.plan_digest == DigestOf("plan").hex);
  CATCH_CHECK(golden.info.manifests == std::vector<std::string>{DigestOf("m0").hex, DigestOf("m1").hex});
  CATCH_CHECK(golden.info.cursor == Cursor{.chunk = 1, .epoch = 2, .position = 3, .seed = 4});
  CATCH_CHECK(golden.info.step == 99);
  CATCH_CHECK(golden.info.training_seconds == 1234.5);
  CATCH_CHECK(golden.info.from_given_weights);
  CATCH_CHECK(golden.info.lineage == std::vector<std::string>{DigestOf("first").hex});
  CATCH_CHECK(golden.info.facts.device == "cpu");
  CATCH_CHECK(golden.info.facts.threads == 3);
}

CATCH_TEST_CASE("a published checkpoint of version 1 opens") {
  const Checkpoint golden = ReadGolden("published.safetensors");
  CheckWhatBothHold(golden);
  CATCH_CHECK(golden.state.exp_avg_bf16 == std::vector<uint16_t>{0x3f80, 0xbf80, 0, 1});
  CATCH_CHECK(golden.state.exp_avg_sq_bf16 == std::vector<uint16_t>{0x4000, 0, 2, 3});
  CATCH_CHECK(golden.state.exp_avg.empty());
  CATCH_CHECK(golden.losses.empty());
}

CATCH_TEST_CASE("a recovery snapshot of version 1 opens") {
  const Checkpoint golden = ReadGolden("recovery.safetensors");
  CheckWhatBothHold(golden);
  CATCH_CHECK(golden.state.exp_avg == std::vector<float>{1, -1, 0.1F, 0});
  CATCH_CHECK(golden.state.exp_avg_sq == std::vector<float>{2, 0, 0.2F, 0});
  CATCH_CHECK(golden.losses == std::vector<float>{0.7F, 0.3F});
}

CATCH_TEST_CASE("the preprocessing of each specialist stands in its checkpoints, as version 1 wrote it") {
  const ScratchFolder folder;
  const std::string path = folder.File("checkpoint.safetensors");
  const HostState state = MakeHostState(TwoParameters(), true);
  const std::string stamp =
      R"("preprocessing":"rgb /255, mean 0.485 0.456 0.406, deviation 0.229 0.224 0.225")";
  for (const SpecialistName specialist : kAllSpecialists) {
    CheckpointInfo info;
    info.specialist = specialist;
    CATCH_REQUIRE(WriteCheckpoint(SystemFiles(), path, TwoParameters(), info, state, {}).ok());
    std::string bytes = *ReadWholeFile(SystemFiles(), path);
    const size_t at = bytes.find(stamp);
    CATCH_REQUIRE(at != std::string::npos);
    bytes[at + stamp.size() - 2] = '9';
    CATCH_REQUIRE(WriteFileAtomically(SystemFiles(), path, bytes).ok());
    const absl::Status refused = ReadCheckpoint(SystemFiles(), path, TwoParameters()).status();
    CATCH_CHECK(absl::IsFailedPrecondition(refused));
    CATCH_CHECK(Message(refused).find("other preprocessing") != std::string::npos);
  }
}

CATCH_TEST_CASE("a batch that was left out is remembered") {
  const ScratchFolder folder;
  const std::string path = folder.File("checkpoint.safetensors");
  CheckpointInfo info;
  for (const char* batch : {"", "chunk 03, epoch 2, batch 17"}) {
    info.left_out_batch = batch;
    CATCH_REQUIRE(
        WriteCheckpoint(SystemFiles(), path, TwoParameters(), info, MakeHostState(TwoParameters(), true), {})
            .ok());
    CATCH_CHECK(ReadCheckpoint(SystemFiles(), path, TwoParameters())->info.left_out_batch == batch);
  }
}

CATCH_TEST_CASE(
    "what a run remembers of its validations comes back to the last bit, and only such a run writes it") {
  const ScratchFolder folder;
  const std::string path = folder.File("checkpoint.safetensors");
  const HostState state = MakeHostState(TwoParameters(), true);
  CheckpointInfo info;
  CATCH_REQUIRE(WriteCheckpoint(SystemFiles(), path, TwoParameters(), info, state, {}).ok());
  CATCH_CHECK(ReadWholeFile(SystemFiles(), path)->find("validation") == std::string::npos);
  info.validation = {.best_step = 500,
                     .worse_in_a_row = 1,
                     .best_losses = {{"00/a.mp4", 1.0 / 3}, {"00/\"b,\n.mp4", 1e-300}}};
  CATCH_REQUIRE(WriteCheckpoint(SystemFiles(), path, TwoParameters(), info, state, {}).ok());
  CATCH_CHECK(ReadCheckpoint(SystemFiles(), path, TwoParameters())->info.validation == info.validation);
  std::string bytes = *ReadWholeFile(SystemFiles(), path);
  bytes.replace(bytes.find("best_step"), 9, "best_stop");
  CATCH_REQUIRE(WriteFileAtomically(SystemFiles(), path, bytes).ok());
  const absl::Status damaged = ReadCheckpoint(SystemFiles(), path, TwoParameters()).status();
  CATCH_CHECK(absl::IsDataLoss(damaged));
  CATCH_CHECK(Message(damaged).find("validation is damaged") != std::string::npos);
}

CATCH_TEST_CASE("how the chunk was sampled comes back, and only a corrected one says it") {
  const ScratchFolder folder;
  const std::string path = folder.File("checkpoint.safetensors");
  const HostState state = MakeHostState(TwoParameters(), true);
  CheckpointInfo info;
  CATCH_REQUIRE(WriteCheckpoint(SystemFiles(), path, TwoParameters(), info, state, {}).ok());
  CATCH_CHECK(ReadWholeFile(SystemFiles(), path)->find("sampling") == std::string::npos);
  info.sampling = SampleBias().next_sampling;
  CATCH_REQUIRE(WriteCheckpoint(SystemFiles(), path, TwoParameters(), info, state, {}).ok());
  CATCH_CHECK(ReadCheckpoint(SystemFiles(), path, TwoParameters())->info.sampling == info.sampling);
}

CATCH_TEST_CASE("training seconds come back as they were over twelve magnitudes") {
  const ScratchFolder folder;
  const std::string path = folder.File("checkpoint.safetensors");
  const HostState state = MakeHostState(TwoParameters(), true);
  CheckpointInfo info;
  for (double seconds = 1e-3 / 3; seconds < 1e9; seconds *= 10) {
    info.training_seconds = seconds;
    CATCH_REQUIRE(WriteCheckpoint(SystemFiles(), path, TwoParameters(), info, state, {}).ok());
    CATCH_CHECK(ReadCheckpoint(SystemFiles(), path, TwoParameters())->info.training_seconds == seconds);
  }
}

}  // namespace
}  // namespace interceptor::worker
