// Exactness: a run that was saved, stopped or killed ends with the bytes of one that was not. Whole runs over
// small clip stores; kills hit real processes. CPU, one compute thread.
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <map>
#include <set>

#include "common/base/status.h"
#include "common/io/atomic_file.h"
#include "common/io/line_channel.h"
#include "tests/support/catch.h"
#include "tests/support/scratch_folder.h"
#include "tests/support/tiny_store.h"
#include "worker/engine/checkpoint.h"
#include "worker/engine/trainer.h"
#include "worker/sampling/families.h"
#include "worker/store/manifest.h"
#include "worker/store/settings.h"

namespace interceptor::worker {
namespace {

using nlohmann::json;

RunSettings TinySettings(int chunks) {
  RunSettings settings;
  settings.seed = 11;
  settings.chunks.clear();
  for (int c = 0; c < chunks; ++c) settings.chunks.push_back(Cat("0", c));
  settings.model.width_scale = 0.1;
  settings.model.depth_scale = 0.2;
  settings.model.input_pixels = 32;
  settings.recipe.batch_size = 8;
  settings.recipe.epochs_per_chunk = 6;
  settings.recipe.rounding_period = 3;
  settings.recipe.warmup_steps = 4;
  settings.recipe.stages = {{.until_progress = 0.4, .input_pixels = 32, .trainable_stages = 5, .pace = 0.5},
                            {.until_progress = 1.0, .input_pixels = 32}};
  settings.evaluation.folds = 3;
  settings.evaluation.frames_per_clip = 2;
  return settings;
}

void WriteStores(const std::string& store, const RunSettings& settings, int side) {
  for (const std::string& chunk : settings.chunks) {
    CATCH_REQUIRE(WriteTinyStore({.store = store, .chunk = chunk, .fakes_per_family = 2, .side = side}).ok());
  }
}

// Orders chunk after chunk; asks for saves and stops at given steps.
class ScriptedControl : public Control {
 public:
  explicit ScriptedControl(const RunSettings& settings) : settings_(settings) {}

  void Emit(const json& event) override {
    const std::string kind = event.at("event");
    if (kind == "checkpoint") {
      save_ = false;
      checkpoints.push_back(event);
    }
    events.push_back(event);
  }
  absl::StatusOr<std::optional<ChunkOrder>> NextChunk(int next) override {
    if (stopped_ || next >= static_cast<int>(settings_.chunks.size())) return std::nullopt;
    if (std::exchange(scores_owed, false)) --next;
    return ChunkOrder{.chunk = next, .name = settings_.chunks[next]};
  }
  bool StopRequested() override {
    ++looks_;
    if (save_at.contains(looks_)) save_ = true;
    stopped_ = looks_ == stop_at;
    return stopped_;
  }
  bool SaveRequested() override { return save_; }

  std::set<int> save_at;  // counted in looks: one before every step
  int stop_at = 0;
  bool scores_owed = false;  // the first order is for the chunk before
  std::vector<json> events;
  std::vector<json> checkpoints;

 private:
  const RunSettings& settings_;
  int looks_ = 0;
  bool save_ = false;
  bool stopped_ = false;
};

struct RunOutcome {
  absl::Status status;
  std::string last_checkpoint;
};

RunOutcome RunHere(const TrainerOptions& options, ScriptedControl& control) {
  RunOutcome outcome;
  outcome.status = Train(SystemFiles(), options, control);
  if (!control.checkpoints.empty()) outcome.last_checkpoint = control.checkpoints.back().at("path");
  return outcome;
}

// Every tensor of two checkpoints, byte for byte.
void RequireSameState(const std::string& a, const std::string& b, const RunSettings& settings) {
  const Architecture net = MakeEfficientNetB4(settings.model.width_scale, settings.model.depth_scale, 2);
  const auto first = ReadCheckpoint(SystemFiles(), a, net);
  const auto second = ReadCheckpoint(SystemFiles(), b, net);
  CATCH_REQUIRE(first.ok());
  CATCH_REQUIRE(second.ok());
  CATCH_CHECK(first->info.step == second->info.step);
  CATCH_CHECK(first->info.cursor == second->info.cursor);
  CATCH_CHECK(first->info.manifests == second->info.manifests);
  CATCH_CHECK(first->state.weights == second->state.weights);
  CATCH_CHECK(first->state.statistics == second->state.statistics);
  CATCH_CHECK(first->state.counters == second->state.counters);
  CATCH_CHECK(first->state.group_steps == second->state.group_steps);
  CATCH_CHECK(first->state.exp_avg_bf16 == second->state.exp_avg_bf16);
  CATCH_CHECK(first->state.exp_avg_sq_bf16 == second->state.exp_avg_sq_bf16);
}

// interceptor-train as a child process under the agent's protocol.
class TrainerProcess {
 public:
  explicit TrainerProcess(const TrainerOptions& options, const std::string& settings_file) {
    absl::StatusOr<ChannelPair> pair = MakeChannelPair();
    CATCH_REQUIRE(pair.ok());
    channel_ = std::move(pair->channel);
    const std::string program = JoinPath(ParentFolder(*SelfPath()), "interceptor-train");
    const std::string specialist(ToString(options.specialist));
    std::vector<std::string> arguments = {program,       "--specialist", specialist,  "--store",
                                          options.store, "--run",        options.run, "--settings",
                                          settings_file, "--control-fd", "9"};
    if (!options.resume.empty()) {
      arguments.push_back("--resume");
      arguments.push_back(options.resume);
    }
    std::vector<char*> argv;
    for (std::string& argument : arguments) argv.push_back(argument.data());
    argv.push_back(nullptr);
    pid_ = fork();
    if (pid_ == 0) {
      fcntl(dup2(pair->child_fd, 9), F_SETFD, 0);
      const int null = open("/dev/null", O_WRONLY);
      dup2(null, STDERR_FILENO);
      execv(argv[0], argv.data());
      _exit(127);
    }
    close(pair->child_fd);
  }

  ~TrainerProcess() {
    if (pid_ > 0) Kill();
  }

  // The next event; null when the child is gone.
  json Next() {
    const absl::StatusOr<ChannelInput> input = channel_->Receive(absl::Minutes(5));
    if (!input.ok() || input->kind != ChannelInput::Kind::kMessage) return nullptr;
    return input->message;
  }

  void Send(const json& command) { CATCH_REQUIRE(channel_->Send(command).ok()); }

  void Kill() {
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
    pid_ = -1;
  }

  int WaitForExit() {
    int outcome = 0;
    waitpid(pid_, &outcome, 0);
    pid_ = -1;
    return WIFEXITED(outcome) ? WEXITSTATUS(outcome) : -1;
  }

 private:
  static std::optional<std::string> SelfPath() {
    char path[4096];
    const ssize_t length = readlink("/proc/self/exe", path, sizeof path);
    if (length <= 0) return std::nullopt;
    return std::string(path, static_cast<size_t>(length));
  }

  std::unique_ptr<LineChannel> channel_;
  pid_t pid_ = -1;
};

json Order(const RunSettings& settings, int chunk) {
  return {{"command", "train_chunk"},
          {"chunk", chunk},
          {"name", settings.chunks[chunk]},
          {"manifest_sha256", ""},
          {"last", chunk + 1 == static_cast<int>(settings.chunks.size())}};
}

// Runs a child until it finishes, or kills it at the first mid-chunk checkpoint of `kill_in_chunk`; returns
// the last checkpoint's path.
std::string DriveProcess(const TrainerOptions& options, const std::string& settings_file, int kill_in_chunk) {
  TrainerProcess trainer(options, settings_file);
  std::string last;
  while (true) {
    const json event = trainer.Next();
    CATCH_REQUIRE_FALSE(event.is_null());
    const std::string kind = event.at("event");
    CATCH_REQUIRE(kind != "failed");
    if (kind == "ready") {
      const int chunk = event.at("next_chunk");
      trainer.Send(Order(options.settings, chunk));
      if (chunk == kill_in_chunk) trainer.Send({{"command", "save"}});
    }
    if (kind == "checkpoint") last = event.at("path");
    if (kind == "checkpoint" && event.at("reason") == "save_now") {
      trainer.Kill();
      return last;
    }
    if (kind == "finished") {
      CATCH_CHECK(trainer.WaitForExit() == 0);
      return last;
    }
  }
}

struct LedgerLine {
  std::string position;  // chunk, epoch, position
  std::string samples;
};

std::vector<LedgerLine> ReadLedger(const std::string& run) {
  std::vector<LedgerLine> lines;
  std::ifstream file(JoinPath(run, "ledger.csv"));
  for (std::string line; std::getline(file, line);) {
    std::vector<size_t> commas;
    for (size_t i = 0; i < line.size(); ++i) {
      if (line[i] == ',') commas.push_back(i);
    }
    CATCH_REQUIRE(commas.size() == 4);
    lines.push_back({line.substr(0, commas[2]), line.substr(commas[3] + 1)});
  }
  return lines;
}

struct Fixture {
  explicit Fixture(RunSettings given, int side = 32) : settings(std::move(given)) {
    WriteStores(folder.path(), settings, side);
    settings_file = folder.File("run.json");
    CATCH_REQUIRE(WriteFileAtomically(SystemFiles(), settings_file, RunSettingsToJson(settings)).ok());
  }

  TrainerOptions Options(SpecialistName specialist, const std::string& run) const {
    TrainerOptions options;
    options.settings = settings;
    options.specialist = specialist;
    options.store = folder.path();
    options.run = folder.File(run);
    return options;
  }

  ScratchFolder folder;
  RunSettings settings;
  std::string settings_file;
};

CATCH_TEST_CASE("kill -9 and resume in a new process ends in the same bytes, for every specialist") {
  const Fixture fixture(TinySettings(2));
  for (const SpecialistName specialist : kAllSpecialists) {
    const std::string name(ToString(specialist));
    ScriptedControl control(fixture.settings);
    const RunOutcome straight = RunHere(fixture.Options(specialist, name + "-straight"), control);
    CATCH_REQUIRE(straight.status.ok());

    TrainerOptions killed = fixture.Options(specialist, name + "-killed");
    killed.resume = DriveProcess(killed, fixture.settings_file, 1);
    const std::string last = DriveProcess(killed, fixture.settings_file, -1);
    RequireSameState(straight.last_checkpoint, last, fixture.settings);

    // The ledger shows every step once when only the last line of a position counts, and a repeated step is
    // the same step.
    std::map<std::string, std::string> seen;
    for (const LedgerLine& line : ReadLedger(killed.run)) {
      const auto [entry, fresh] = seen.emplace(line.position, line.samples);
      CATCH_CHECK((fresh || entry->second == line.samples));
    }
    const std::vector<LedgerLine> expected = ReadLedger(fixture.folder.File(name + "-straight"));
    CATCH_CHECK(seen.size() == expected.size());
    for (const LedgerLine& line : expected) CATCH_CHECK(seen[line.position] == line.samples);
  }
}

CATCH_TEST_CASE("saves, recovery snapshots and stops at any moment change nothing") {
  const Fixture fixture(TinySettings(3));
  ScriptedControl quiet(fixture.settings);
  const RunOutcome straight = RunHere(fixture.Options(SpecialistName::kBG, "straight"), quiet);
  CATCH_REQUIRE(straight.status.ok());
  CATCH_CHECK(quiet.checkpoints.size() == 3);
  const int steps = quiet.checkpoints.back().at("step");

  TrainerOptions saving = fixture.Options(SpecialistName::kBG, "saving");
  saving.settings.checkpoints.recovery_period_seconds = 0;
  ScriptedControl busy(fixture.settings);
  for (uint64_t i = 0; i < 3; ++i) {
    busy.save_at.insert(1 + static_cast<int>(RandomIndex(MakeRandomKey(3, "save"), i, steps)));
  }
  const RunOutcome saved = RunHere(saving, busy);
  CATCH_REQUIRE(saved.status.ok());
  CATCH_CHECK(busy.checkpoints.size() > 3);
  RequireSameState(straight.last_checkpoint, saved.last_checkpoint, fixture.settings);

  // Stopped off the grid: only the full-precision snapshot can bring the run back exactly.
  TrainerOptions stopping = fixture.Options(SpecialistName::kBG, "stopping");
  RunOutcome outcome;
  for (const int stop_at : {2, 8, 6}) {
    ScriptedControl control(fixture.settings);
    control.stop_at = stop_at;
    outcome = RunHere(stopping, control);
    CATCH_REQUIRE(outcome.status.ok());
    if (!outcome.last_checkpoint.empty()) stopping.resume = outcome.last_checkpoint;
  }
  ScriptedControl rest(fixture.settings);
  outcome = RunHere(stopping, rest);
  CATCH_REQUIRE(outcome.status.ok());
  CATCH_CHECK(rest.events.front().at("weights") == "snapshot");
  RequireSameState(straight.last_checkpoint, outcome.last_checkpoint, fixture.settings);
}

CATCH_TEST_CASE("scores that are owed cost no step of the chunk after") {
  const Fixture fixture(TinySettings(2));
  ScriptedControl quiet(fixture.settings);
  const RunOutcome straight = RunHere(fixture.Options(SpecialistName::kBG, "straight"), quiet);
  CATCH_REQUIRE(straight.status.ok());
  const int chunk_steps = quiet.checkpoints.front().at("step");

  TrainerOptions owing = fixture.Options(SpecialistName::kBG, "owing");
  ScriptedControl stopped(fixture.settings);
  stopped.stop_at = chunk_steps + 3;
  owing.resume = RunHere(owing, stopped).last_checkpoint;
  ScriptedControl rest(fixture.settings);
  rest.scores_owed = true;
  const RunOutcome outcome = RunHere(owing, rest);
  CATCH_REQUIRE(outcome.status.ok());
  CATCH_CHECK(rest.events.front().at("weights") == "snapshot");
  const auto evaluated = std::find_if(rest.events.begin(), rest.events.end(),
                                      [](const json& event) { return event.at("event") == "evaluation"; });
  CATCH_REQUIRE(evaluated != rest.events.end());
  CATCH_CHECK(evaluated->at("chunk") == 0);
  CATCH_CHECK(evaluated->at("step") == chunk_steps);
  RequireSameState(straight.last_checkpoint, outcome.last_checkpoint, fixture.settings);
  CATCH_CHECK(ReadLedger(owing.run).size() == ReadLedger(fixture.folder.File("straight")).size());
}

CATCH_TEST_CASE("B4 itself resumes to the same bytes after kill -9") {
  RunSettings settings = TinySettings(2);
  settings.model.width_scale = 1;
  settings.model.depth_scale = 1;
  settings.model.input_pixels = 64;
  settings.recipe.batch_size = 2;
  settings.recipe.steps_per_chunk_max = 2;
  settings.recipe.rounding_period = 1;
  settings.recipe.stages = {{.input_pixels = 64}};
  settings.evaluation.look_ahead = false;
  settings.evaluation.frames_per_clip = 1;
  const Fixture fixture(settings, 64);
  ScriptedControl control(fixture.settings);
  const RunOutcome straight = RunHere(fixture.Options(SpecialistName::kRR, "straight"), control);
  CATCH_REQUIRE(straight.status.ok());
  CATCH_CHECK(SystemFiles().Stat(straight.last_checkpoint)->size_bytes <= 160'000'000);
  TrainerOptions killed = fixture.Options(SpecialistName::kRR, "killed");
  killed.resume = DriveProcess(killed, fixture.settings_file, 0);
  RequireSameState(straight.last_checkpoint, DriveProcess(killed, fixture.settings_file, -1),
                   fixture.settings);
}

CATCH_TEST_CASE("events come in the documented order and nothing held out is trained on") {
  const Fixture fixture(TinySettings(2));
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
  const Fixture fixture(TinySettings(1));
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

}  // namespace
}  // namespace interceptor::worker
