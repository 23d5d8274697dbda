// What a whole run says and what it refuses. CPU, one compute thread.
#include "worker/engine/trainer.h"

#include "tests/support/tiny_run.h"
#include "worker/child_protocol/run_folder.h"
#include "worker/store/clip_store.h"
#include "worker/store/manifest.h"

namespace interceptor::worker {
namespace {

using nlohmann::json;

CATCH_TEST_CASE("events come in the documented order and nothing held out is trained on") {
  const TinyRuns fixture(TinySettings(2));
  ScriptedControl control(fixture.settings);
  CATCH_REQUIRE(RunHere(fixture.Options(SpecialistName::kCM, "run"), control).status.ok());
  std::vector<std::string> kinds;
  for (const json& event : control.events) {
    std::string kind = event.at("event");
    if (kind == "progress") continue;
    if (kind == "evaluation") kind = event.at("kind");
    kinds.push_back(kind);
  }
  CATCH_CHECK(kinds == std::vector<std::string>{"started", "checkpoint", "held_out", "chunk_finished",
                                                "look_ahead", "checkpoint", "held_out", "chunk_finished",
                                                "finished"});
  for (const json& event : control.events) {
    if (event.at("event") != "evaluation") continue;
    const auto table = ReadWholeFile(SystemFiles(), event.at("path"));
    CATCH_REQUIRE(table.ok());
    CATCH_CHECK(table->starts_with("chunk,clip,family,label,logit,fold,half,split,step,brightness\n"));
    CATCH_CHECK(DigestOf(*table).hex == event.at("sha256").get<std::string>());
    const auto lines = std::count(table->begin(), table->end(), '\n');
    CATCH_CHECK(lines == 1 + event.at("reals").get<int>() + event.at("fakes").get<int>());
  }
}

CATCH_TEST_CASE("a store that is not the committed one, a wrong order and a held folder are refused") {
  const TinyRuns fixture(TinySettings(1));
  const TrainerOptions options = fixture.Options(SpecialistName::kBG, "run");

  class WrongOrder : public ScriptedControl {
   public:
    WrongOrder(const RunSettings& settings, ChunkOrder order)
        : ScriptedControl(settings), order_(std::move(order)) {}
    absl::StatusOr<std::optional<ChunkOrder>> NextChunk(int) override { return order_; }

   private:
    const ChunkOrder order_;
  };
  WrongOrder other_manifest(fixture.settings,
                            {.chunk = 0, .name = "00", .manifest_sha256 = DigestOf("x").hex});
  const absl::Status refused = Train(SystemFiles(), options, other_manifest);
  CATCH_CHECK(refused.code() == absl::StatusCode::kFailedPrecondition);
  CATCH_CHECK(Message(refused).find("prepare the chunk again") != std::string::npos);

  WrongOrder out_of_turn(fixture.settings, {.chunk = 1, .name = "00"});
  CATCH_CHECK(Train(SystemFiles(), options, out_of_turn).code() == absl::StatusCode::kFailedPrecondition);

  WrongOrder missing(fixture.settings, {.chunk = 0, .name = "07"});
  CATCH_CHECK(Train(SystemFiles(), options, missing).code() == absl::StatusCode::kNotFound);

  const auto lock = SystemFiles().Open(JoinPath(options.run, "lock"), OpenMode::kReadWrite);
  CATCH_REQUIRE((*lock)->Lock().ok());
  ScriptedControl control(fixture.settings);
  const absl::Status held = Train(SystemFiles(), options, control);
  CATCH_CHECK(Message(held).find("another trainer is at work") != std::string::npos);
}

CATCH_TEST_CASE("a chunk without held-out families has its scores too: an empty table, and no figures") {
  RunSettings settings = TinySettings(1);
  settings.evaluation.folds = 50;
  const TinyRuns fixture(settings);
  TrainerOptions options = fixture.Options(SpecialistName::kBG, "run");
  const auto manifest = DecodeManifest(*ReadWholeFile(SystemFiles(), ManifestPath(options.store, "00")));
  CATCH_REQUIRE(manifest.ok());
  std::set<int> folds;
  for (const ClipInfo& clip : manifest->clips) folds.insert(clip.fold);
  int& unused = options.settings.evaluation.held_out_fold;
  for (unused = 0; folds.contains(unused); ++unused) {
  }
  ScriptedControl control(options.settings);
  const absl::Status trained = RunHere(options, control).status;
  CATCH_INFO(trained.ToString());
  CATCH_REQUIRE(trained.ok());
  const auto told = [](const json& event) { return event.at("event") == "evaluation"; };
  CATCH_CHECK(std::none_of(control.events.begin(), control.events.end(), told));
  const auto table =
      ReadWholeFile(SystemFiles(), ScoreTablePath(options.run, EvaluationKind::kHeldOut, "00"));
  CATCH_REQUIRE(table.ok());
  CATCH_CHECK(*table == "chunk,clip,family,label,logit,fold,half,split,step\n");
}

}  // namespace
}  // namespace interceptor::worker
