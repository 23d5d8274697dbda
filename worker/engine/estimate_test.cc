// What an estimate counts, held against what a run does; and the program that prints it. CPU.
#include "worker/engine/estimate.h"

#include <cmath>

#include "tests/support/process.h"
#include "tests/support/tiny_run.h"

namespace interceptor::worker {
namespace {

CATCH_TEST_CASE("an estimate counts the steps that the trainer takes, and the seconds of each stage") {
  RunSettings settings = TinySettings(3);
  settings.recipe.replay_share_max = 0.3;
  const TinyRuns fixture(settings);
  ScriptedControl control(settings);
  CATCH_REQUIRE(RunHere(fixture.Options(SpecialistName::kBG, "run"), control).status.ok());
  const auto clips = CountClips(SystemFiles(), fixture.folder.path(), settings, 0);
  CATCH_REQUIRE(clips.ok());
  const std::vector<ChunkEstimate> chunks =
      EstimateRun(settings, *clips, {.step = {100, 1}, .scored_clip = 0});
  CATCH_REQUIRE(chunks.size() == 3);
  int64_t steps = 0;
  double seconds = 0;
  for (size_t i = 0; i < chunks.size(); ++i) {
    steps += chunks[i].steps;
    seconds += chunks[i].training_seconds;
    CATCH_CHECK(control.checkpoints[i].at("step") == steps);
  }
  // The first stage ends at 0.4 of three chunks: in the second one, after a fifth of it.
  const int64_t first_stage = chunks[0].steps + (chunks[1].steps + 4) / 5;
  CATCH_CHECK(std::abs(seconds - static_cast<double>(100 * first_stage + steps - first_stage)) <= 99);
}

CATCH_TEST_CASE(
    "an estimate counts the clips that are scored: look-ahead, validations and what is held out so far") {
  RunSettings settings = TinySettings(2);
  settings.recipe.steps_per_chunk_max = 10;
  settings.recipe.replay_share_max = 0;
  const std::vector<ClipCounts> clips = {{20, 30, 10, 300}, {40, 50, 20, 60}};
  const TrainingSpeed speed = {.step = {1, 1}, .scored_clip = 1};
  auto scored = [&](size_t chunk) { return EstimateRun(settings, clips, speed)[chunk].scoring_seconds; };
  CATCH_CHECK(scored(0) == 310);
  CATCH_CHECK(scored(1) == 310 + 80 + 170);
  settings.evaluation.look_ahead = false;
  CATCH_CHECK(scored(1) == 310 + 80);
  settings.evaluation.evaluate_every_steps = 4;  // at 4, 8; 12, 16 and 20
  CATCH_CHECK(scored(0) == 310 + 2 * (5 + 100));
  CATCH_CHECK(scored(1) == 390 + 3 * (15 + 100));
}

CATCH_TEST_CASE("chunks that are not prepared are as the others, or as one says") {
  RunSettings settings = TinySettings(2);
  const TinyRuns fixture(settings);
  const auto prepared = CountClips(SystemFiles(), fixture.folder.path(), settings, 1000);
  CATCH_REQUIRE(prepared.ok());
  settings.chunks.push_back("02");
  const auto mean = CountClips(SystemFiles(), fixture.folder.path(), settings, 0);
  CATCH_REQUIRE(mean.ok());
  CATCH_CHECK((*mean)[0].fakes == (*prepared)[0].fakes);
  CATCH_CHECK((*mean)[2].fakes == ((*mean)[0].fakes + (*mean)[1].fakes) / 2);
  settings.evaluation.folds = 5;
  settings.preparation.expected_fake_share = 0.8;
  const auto said = CountClips(SystemFiles(), "", settings, 1000);
  CATCH_REQUIRE(said.ok());
  CATCH_CHECK((*said)[0].reals == 160);
  CATCH_CHECK((*said)[0].fakes == 640);
  CATCH_CHECK((*said)[0].held_out_reals == 40);
  CATCH_CHECK((*said)[0].held_out_fakes == 160);
  const absl::Status unknown = CountClips(SystemFiles(), "", settings, 0).status();
  CATCH_CHECK(absl::IsNotFound(unknown));
  CATCH_CHECK(Message(unknown).find("--clips") != std::string::npos);
}

CATCH_TEST_CASE(
    "interceptor-train estimate steps every specialist's own network and says hours for each chunk") {
  RunSettings settings = TinySettings(2);
  settings.model.front_end = "specialist";
  settings.recipe.self_made_share = 0.5;
  const ScratchFolder folder;
  const std::string file = folder.File("run.json");
  CATCH_REQUIRE(WriteFileAtomically(SystemFiles(), file, RunSettingsToJson(settings)).ok());
  const std::string program = JoinPath(OwnFolder(), "interceptor-train");
  Process estimate(program, {"estimate", "--settings", file, "--clips", "2000", "--threads", "1"});
  CATCH_CHECK(*estimate.Wait() == 0);
  const std::string text = estimate.out();
  CATCH_INFO(text);
  for (const SpecialistName specialist : kAllSpecialists)
    CATCH_CHECK(text.find(Cat(ToString(specialist), " on cpu (fp32), batches of 8: ")) != std::string::npos);
  const auto count = [&](const std::string& part) {
    int found = 0;
    for (size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++found;
    return found;
  };
  CATCH_CHECK(count("\n00 ") == 6);
  CATCH_CHECK(count("\n01 ") == 6);
  CATCH_CHECK(count("\nall ") == 6);
  CATCH_CHECK(count("s a step in stage 2 (32 pixels, 9 stages trained)") == 6);

  Process unknown(program, {"estimate", "--settings", file, "--specialist", "TM"});
  CATCH_CHECK(*unknown.Wait() == 4);
  Process lacking(program, {"--specialist", "TM"});
  CATCH_CHECK(*lacking.Wait() == 2);
}

}  // namespace
}  // namespace interceptor::worker
