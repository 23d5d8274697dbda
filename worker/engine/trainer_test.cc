// What a whole run says and what it refuses. CPU, one compute thread.
#include "worker/engine/trainer.h"

#include <map>
#include <numeric>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_split.h"
#include "tests/support/tiny_run.h"
#include "worker/child_protocol/run_folder.h"
#include "worker/child_protocol/score_table.h"
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
    // Of the calibrate half's clips alone.
    CATCH_CHECK(event.contains("bias") == (event.at("kind") == "held_out"));
    if (event.contains("bias")) CATCH_CHECK(event["bias"]["after"]["reals"] < event.at("reals"));
    const auto table = ReadWholeFile(SystemFiles(), event.at("path"));
    CATCH_REQUIRE(table.ok());
    CATCH_CHECK(DigestOf(*table).hex == event.at("sha256").get<std::string>());
    const auto scores = ParseScoreTable(*table);
    CATCH_REQUIRE(scores.ok());
    CATCH_CHECK(std::ssize(scores->rows) == event.at("reals").get<int>() + event.at("fakes").get<int>());
    CATCH_CHECK(scores->attributes == std::vector<std::string>{"brightness"});
    CATCH_CHECK(scores->plan_digest == fixture.settings.plan_digest);
    for (const ScoreRow& row : scores->rows) {
      const double sum = std::accumulate(row.windows.begin(), row.windows.end(), 0.0);
      CATCH_CHECK(row.logit == sum / static_cast<double>(row.windows.size()));
    }
  }
}

CATCH_TEST_CASE(
    "validations come every so many steps, see the same clips to calibrate on and teach nothing") {
  const TinyRuns fixture(TinySettings(2));
  ScriptedControl quiet(fixture.settings);
  const RunOutcome without = RunHere(fixture.Options(SpecialistName::kBG, "without"), quiet);
  CATCH_REQUIRE(without.status.ok());

  TrainerOptions options = fixture.Options(SpecialistName::kBG, "with");
  options.settings.evaluation.evaluate_every_steps = 4;
  ScriptedControl control(fixture.settings);
  const RunOutcome with = RunHere(options, control);
  CATCH_REQUIRE(with.status.ok());
  const int64_t steps = control.checkpoints.back().at("step");
  CATCH_CHECK(std::ssize(ValidationsOf(control)) == steps / 4);
  std::map<int, std::set<std::string>> rows_of_chunk;
  std::string before;
  for (const json& event : control.events) {
    if (event.at("event") == "evaluation" && event.at("kind") == "validation") {
      CATCH_CHECK(event.at("step").get<int64_t>() % 4 == 0);
      // Which renews the lease, and says where training stands.
      CATCH_CHECK(before == "evaluating");
      CATCH_CHECK(event.at("log_loss_low") <= event.at("log_loss"));
      CATCH_CHECK(event.at("log_loss_high") >= event.at("log_loss"));
      std::string clips;
      const auto table = ParseScoreTable(*ReadWholeFile(SystemFiles(), event.at("path")));
      CATCH_REQUIRE(table.ok());
      for (const ScoreRow& row : table->rows) {
        clips += Cat(row.clip.name, " ");
        CATCH_CHECK(row.clip.fold == fixture.settings.evaluation.held_out_fold);
        CATCH_CHECK(row.half == Half::kCalibrate);
        CATCH_CHECK(row.split == EvaluationKind::kValidation);
      }
      rows_of_chunk[event.at("chunk")].insert(clips);
    }
    before = event.at("event") == "progress" ? event.at("phase") : event.at("event");
    if (before == "evaluating" && event.at("step") > 0) {
      CATCH_CHECK(event.at("loss") > 0);
      CATCH_CHECK(event.at("gradient_norm") > 0);
      CATCH_CHECK(event.at("samples_per_s") > 0);
      CATCH_CHECK(event.at("chunk_steps") > 0);
    }
  }
  CATCH_CHECK(rows_of_chunk[0].size() == 1);
  CATCH_CHECK(rows_of_chunk[1].size() == 1);
  CATCH_CHECK(rows_of_chunk[0] != rows_of_chunk[1]);

  // But for what is remembered of them the checkpoints are equal, byte for byte.
  const Architecture net = MakeArchitecture(fixture.settings.model, SpecialistName::kBG);
  const auto plain = ReadCheckpoint(SystemFiles(), without.last_checkpoint, net);
  const auto watched = ReadCheckpoint(SystemFiles(), with.last_checkpoint, net);
  CATCH_REQUIRE((plain.ok() && watched.ok()));
  CATCH_CHECK(plain->info.validation == ValidationState());
  CATCH_CHECK(watched->info.validation.best_step > 0);
  CATCH_CHECK(plain->state.weights == watched->state.weights);
  CATCH_CHECK(plain->state.statistics == watched->state.statistics);
  CATCH_CHECK(plain->state.counters == watched->state.counters);
  CATCH_CHECK(plain->state.group_steps == watched->state.group_steps);
  CATCH_CHECK(plain->state.exp_avg_bf16 == watched->state.exp_avg_bf16);
  CATCH_CHECK(plain->state.exp_avg_sq_bf16 == watched->state.exp_avg_sq_bf16);
}

// As ScriptedControl, but every chunk is sampled as the recipe says.
class PlainControl : public ScriptedControl {
 public:
  using ScriptedControl::ScriptedControl;
  absl::StatusOr<std::optional<ChunkOrder>> NextChunk(int next) override {
    ICPT_ASSIGN_OR_RETURN(std::optional<ChunkOrder> order, ScriptedControl::NextChunk(next));
    if (order) order->sampling.clear();
    return order;
  }
};

// What each step of a chunk showed, by the ledger.
std::map<std::string, std::vector<std::string>> SamplesByChunk(const std::string& run) {
  std::map<std::string, std::vector<std::string>> samples;
  const std::string ledger = *ReadWholeFile(SystemFiles(), LedgerPath(run));
  const std::vector<std::string> lines = absl::StrSplit(ledger, '\n', absl::SkipEmpty());
  for (const std::string& line : lines) {
    samples[line.substr(0, line.find(','))].push_back(line.substr(line.rfind(',')));
  }
  return samples;
}

CATCH_TEST_CASE("an order's sampling changes what its own chunk shows, and nothing before it") {
  const TinyRuns fixture(TinySettings(2));
  const TrainerOptions options = fixture.Options(SpecialistName::kBG, "sampled");
  ScriptedControl sampled(fixture.settings);
  CATCH_REQUIRE(RunHere(options, sampled).status.ok());
  const TrainerOptions plain_options = fixture.Options(SpecialistName::kBG, "plain");
  PlainControl plain(fixture.settings);
  CATCH_REQUIRE(RunHere(plain_options, plain).status.ok());
  const auto with = SamplesByChunk(options.run);
  const auto without = SamplesByChunk(plain_options.run);
  CATCH_CHECK(with.at("00") == without.at("00"));
  CATCH_CHECK(with.at("01") != without.at("01"));
  const auto checkpoint = ReadCheckpoint(SystemFiles(), sampled.checkpoints.back().at("path"),
                                         MakeArchitecture(fixture.settings.model, SpecialistName::kBG));
  CATCH_REQUIRE(checkpoint.ok());
  CATCH_CHECK(checkpoint->info.sampling == TinySampling(1));
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
  CATCH_CHECK(ParseScoreTable(*table)->rows.empty());
}

}  // namespace
}  // namespace interceptor::worker
