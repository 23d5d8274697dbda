#include "worker/agent/run_memory.h"

#include <nlohmann/json.hpp>

#include "common/base/status.h"
#include "common/io/atomic_file.h"
#include "tests/support/bias_sample.h"
#include "tests/support/catch.h"
#include "tests/support/scratch_folder.h"

namespace interceptor::worker {
namespace {

// A run with a checkpoint, its scores and its chunk's end still unpublished, all of it on disk.
RunMemory MakeMemory(const ScratchFolder& folder) {
  const std::string weights = "weights";
  const std::string scores = "scores";
  const std::string checkpoint_path = folder.File("checkpoints/BG-step-8.safetensors");
  const std::string scores_path = folder.File("scores.csv");
  CATCH_REQUIRE(SystemFiles().MakeFolder(folder.File("checkpoints")).ok());
  CATCH_REQUIRE(WriteFileAtomically(SystemFiles(), checkpoint_path, weights).ok());
  CATCH_REQUIRE(WriteFileAtomically(SystemFiles(), scores_path, scores).ok());
  const Checkpoint checkpoint{.specialist = "BG",
                              .blob = DigestOf(weights),
                              .step = 8,
                              .cursor = {1, 0, 0, uint64_t{1} << 40},
                              .training_seconds = 0.1 + 0.2,
                              .manifests = {std::string(64, 'a')},
                              .reason = SaveReason::kChunkEnd};
  const Evaluation evaluation{.specialist = "BG",
                              .kind = EvaluationKind::kHeldOut,
                              .chunk = 0,
                              .step = 8,
                              .score_table = DigestOf(scores),
                              .reals = 3,
                              .fakes = 4,
                              .families = 3,
                              .auc = 1.0 / 3,
                              .auc_low = 0.1,
                              .auc_high = 0.9,
                              .log_loss = 0.7,
                              .real_accuracy = 0.5,
                              .fake_accuracy = 0.25,
                              .too_few = true};
  return {.next_chunk = 1,
          .files = {{DigestOf(weights), checkpoint_path, 8}},
          .unpublished = {{checkpoint, checkpoint_path},
                          {evaluation, scores_path},
                          {ChunkFinished{0, 8, 0.3}, ""},
                          {Failure{absl::StatusCode::kUnavailable, "killed", true}, ""}}};
}

CATCH_TEST_CASE("a memory comes back as it was, to the last bit of every number") {
  ScratchFolder folder;
  const RunMemory memory = MakeMemory(folder);
  CATCH_REQUIRE(StoreRunMemory(SystemFiles(), folder.path(), memory).ok());
  CATCH_CHECK(LoadRunMemory(SystemFiles(), folder.path()).value() == memory);
  CATCH_REQUIRE(StoreRunMemory(SystemFiles(), folder.path(), {}).ok());
  CATCH_CHECK(LoadRunMemory(SystemFiles(), folder.path())->empty());
}

CATCH_TEST_CASE("a validation that is not published yet comes back whole") {
  ScratchFolder folder;
  const std::string path = folder.File("validation.csv");
  CATCH_REQUIRE(WriteFileAtomically(SystemFiles(), path, "scores").ok());
  const Evaluation validation{.specialist = "BG",
                              .kind = EvaluationKind::kValidation,
                              .step = 8,
                              .score_table = DigestOf("scores"),
                              .log_loss_low = 0.1,
                              .log_loss_high = 0.7,
                              .best_step = 4,
                              .rise_low = 1.0 / 3,
                              .rise_high = 0.5,
                              .worse_in_a_row = 2};
  const RunMemory memory{.unpublished = {{validation, path}}};
  CATCH_REQUIRE(StoreRunMemory(SystemFiles(), folder.path(), memory).ok());
  CATCH_CHECK(LoadRunMemory(SystemFiles(), folder.path()).value() == memory);
}

CATCH_TEST_CASE("a held-out evaluation that is not published yet comes back with its bias") {
  ScratchFolder folder;
  const std::string path = folder.File("held_out.csv");
  CATCH_REQUIRE(WriteFileAtomically(SystemFiles(), path, "scores").ok());
  const Evaluation held_out{
      .specialist = "LL", .step = 8, .score_table = DigestOf("scores"), .bias = SampleBias()};
  const RunMemory memory{.unpublished = {{held_out, path}}, .sampling = SampleBias().next_sampling};
  CATCH_REQUIRE(StoreRunMemory(SystemFiles(), folder.path(), memory).ok());
  CATCH_CHECK(LoadRunMemory(SystemFiles(), folder.path()).value() == memory);
}

CATCH_TEST_CASE("a memory stays as today's agents write and read it") {
  const RunMemory memory{.next_chunk = 1,
                         .files = {{{"ab", 7}, "p", 8}},
                         .unpublished = {{ChunkFinished{0, 8, 0.5}, ""},
                                         {Failure{absl::StatusCode::kUnavailable, "killed", true}, ""}}};
  CATCH_CHECK(
      nlohmann::json::parse(RunMemoryToJson(memory)).dump() ==
      R"({"files":[{"blob":{"sha256":"ab","size_bytes":7},"path":"p","step":8}],"next_chunk":1,)"
      R"("unpublished":[{"chunk":0,"kind":"chunk_finished","path":"","step":8,"training_seconds":0.5},)"
      R"({"code":"UNAVAILABLE","kind":"failure","path":"","retryable":true,"text":"killed"}],"version":1})");
}

CATCH_TEST_CASE("a fact with a fault deep inside makes no memory") {
  ScratchFolder folder;
  nlohmann::json text = nlohmann::json::parse(RunMemoryToJson(MakeMemory(folder)));
  text["unpublished"][0]["blob"].erase("sha256");
  CATCH_CHECK(ParseRunMemory(text.dump()).status().message().find("sha256") != std::string::npos);
}

CATCH_TEST_CASE(
    "what is not on the disk any more is not remembered; checkpoints nobody remembers are removed") {
  ScratchFolder folder;
  const RunMemory memory = MakeMemory(folder);
  CATCH_REQUIRE(StoreRunMemory(SystemFiles(), folder.path(), memory).ok());
  const std::string stray = folder.File("checkpoints/BG-step-9.safetensors");
  const std::string snapshot = folder.File("recovery-a.safetensors");
  for (const std::string& path : {stray, snapshot, memory.files[0].path}) {
    CATCH_REQUIRE(WriteFileAtomically(SystemFiles(), path, "half a file").ok());
  }
  const RunMemory found = LoadRunMemory(SystemFiles(), folder.path()).value();
  CATCH_CHECK(found.files.empty());
  CATCH_REQUIRE(found.unpublished.size() == 3);
  CATCH_CHECK(std::holds_alternative<Evaluation>(found.unpublished[0].body));
  CATCH_CHECK_FALSE(SystemFiles().Exists(stray));
  CATCH_CHECK(SystemFiles().Exists(snapshot));
}

CATCH_TEST_CASE("a memory that cannot be read costs no checkpoint") {
  ScratchFolder folder;
  const RunMemory memory = MakeMemory(folder);
  const std::string path = folder.File("unpublished.json");
  CATCH_REQUIRE(WriteFileAtomically(SystemFiles(), path, "{\"version\":1").ok());
  CATCH_CHECK(LoadRunMemory(SystemFiles(), folder.path())->empty());
  CATCH_CHECK(SystemFiles().Exists(memory.files[0].path));
  CATCH_REQUIRE(WriteFileAtomically(SystemFiles(), path, "{\"version\":2}").ok());
  CATCH_CHECK(absl::IsFailedPrecondition(LoadRunMemory(SystemFiles(), folder.path()).status()));
  CATCH_CHECK(SystemFiles().Exists(memory.files[0].path));
  CATCH_REQUIRE(SystemFiles().Remove(path).ok());
  CATCH_REQUIRE(SystemFiles().MakeFolder(path).ok());
  CATCH_CHECK_FALSE(LoadRunMemory(SystemFiles(), folder.path()).ok());
  CATCH_CHECK(SystemFiles().Exists(memory.files[0].path));
  CATCH_CHECK(absl::IsInvalidArgument(ParseRunMemory("{}").status()));
}

}  // namespace
}  // namespace interceptor::worker
