// Exactness: a run that was saved, stopped or killed ends with the bytes of one that was not. Whole runs over
// small clip stores; kills hit real processes. CPU, one compute thread.
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <map>
#include <utility>

#include "common/base/random.h"
#include "common/io/line_channel.h"
#include "tests/support/tiny_run.h"
#include "worker/child_protocol/run_folder.h"

namespace interceptor::worker {
namespace {

using nlohmann::json;

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

  void Send(const Command& command) { CATCH_REQUIRE(channel_->Send(ToJson(command)).ok()); }

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

// Where a checkpoint says how its chunk is sampled, `sampled` may be false.
Command Order(const RunSettings& settings, int chunk, bool sampled) {
  return ChunkOrder{.chunk = chunk,
                    .name = settings.chunks[chunk],
                    .last = chunk + 1 == static_cast<int>(settings.chunks.size()),
                    .sampling = sampled ? TinySampling(chunk) : std::vector<SamplingWeight>()};
}

// Runs a child until it finishes, or kills it at the first mid-chunk checkpoint of `kill_in_chunk`; returns
// the last checkpoint's path.
std::string DriveProcess(const TrainerOptions& options, const std::string& settings_file, int kill_in_chunk) {
  TrainerProcess trainer(options, settings_file);
  std::string last;
  bool resumed = !options.resume.empty();
  while (true) {
    const json event = trainer.Next();
    CATCH_REQUIRE_FALSE(event.is_null());
    const std::string kind = event.at("event");
    CATCH_INFO(event.dump());
    CATCH_REQUIRE(kind != "failed");
    if (kind == "ready") {
      const int chunk = event.at("next_chunk");
      // First: a short chunk may be over before a command that comes after it is read.
      if (chunk == kill_in_chunk) trainer.Send(SaveCommand{});
      trainer.Send(Order(options.settings, chunk, !std::exchange(resumed, false)));
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
  std::ifstream file(LedgerPath(run));
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

// What a killed run of each specialist ends in, with one front end.
void CheckKilledRuns(const std::string& front_end) {
  CATCH_INFO(front_end);
  RunSettings settings = TinySettings(2);
  settings.model.front_end = front_end;
  settings.evaluation.evaluate_every_steps = 5;
  if (front_end == "specialist") settings.recipe.self_made_share = 0.5;
  const TinyRuns fixture(settings);
  for (const SpecialistName specialist : kAllSpecialists) {
    const std::string name(ToString(specialist));
    ScriptedControl control(fixture.settings);
    const RunOutcome straight = RunHere(fixture.Options(specialist, name + "-straight"), control);
    CATCH_REQUIRE(straight.status.ok());

    TrainerOptions killed = fixture.Options(specialist, name + "-killed");
    killed.resume = DriveProcess(killed, fixture.settings_file, 1);
    const std::string last = DriveProcess(killed, fixture.settings_file, -1);
    RequireSameState(straight.last_checkpoint, last, fixture.settings, specialist);

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

CATCH_TEST_CASE("kill -9 and resume in a new process ends in the same bytes, for every specialist") {
  for (const char* front_end : {"face_crop", "specialist"}) CheckKilledRuns(front_end);
}

CATCH_TEST_CASE("saves, recovery snapshots and stops at any moment change nothing") {
  const TinyRuns fixture(TinySettings(3));
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

CATCH_TEST_CASE("a run that goes on from a checkpoint on another box validates as one that was never away") {
  RunSettings settings = TinySettings(2);
  settings.evaluation.evaluate_every_steps = 2;
  const TinyRuns fixture(settings);
  ScriptedControl control(fixture.settings);
  control.save_at = {8};
  const RunOutcome straight = RunHere(fixture.Options(SpecialistName::kBG, "here"), control);
  CATCH_REQUIRE(straight.status.ok());
  const std::map<int64_t, json> expected = ValidationsOf(control);

  TrainerOptions elsewhere = fixture.Options(SpecialistName::kBG, "elsewhere");
  elsewhere.resume = control.checkpoints.front().at("path");
  const int64_t step = control.checkpoints.front().at("step");
  ScriptedControl rest(fixture.settings);
  const RunOutcome resumed = RunHere(elsewhere, rest);
  CATCH_REQUIRE(resumed.status.ok());
  std::map<int64_t, json> validations = ValidationsOf(rest);
  CATCH_REQUIRE(!validations.empty());
  CATCH_CHECK(validations.size() < expected.size());
  CATCH_CHECK(validations.begin()->first > step);
  for (const auto& [at, validation] : validations) CATCH_CHECK(validation == expected.at(at));
  RequireSameState(straight.last_checkpoint, resumed.last_checkpoint, fixture.settings);
}

CATCH_TEST_CASE("scores that are pending cost no step of the chunk after") {
  const TinyRuns fixture(TinySettings(2));
  ScriptedControl quiet(fixture.settings);
  const RunOutcome straight = RunHere(fixture.Options(SpecialistName::kBG, "straight"), quiet);
  CATCH_REQUIRE(straight.status.ok());
  const int chunk_steps = quiet.checkpoints.front().at("step");

  TrainerOptions pending = fixture.Options(SpecialistName::kBG, "pending");
  ScriptedControl stopped(fixture.settings);
  stopped.stop_at = chunk_steps + 3;
  pending.resume = RunHere(pending, stopped).last_checkpoint;
  ScriptedControl rest(fixture.settings);
  rest.scores_pending = true;
  const RunOutcome outcome = RunHere(pending, rest);
  CATCH_REQUIRE(outcome.status.ok());
  CATCH_CHECK(rest.events.front().at("weights") == "snapshot");
  const auto evaluated = std::find_if(rest.events.begin(), rest.events.end(),
                                      [](const json& event) { return event.at("event") == "evaluation"; });
  CATCH_REQUIRE(evaluated != rest.events.end());
  CATCH_CHECK(evaluated->at("chunk") == 0);
  CATCH_CHECK(evaluated->at("step") == chunk_steps);
  RequireSameState(straight.last_checkpoint, outcome.last_checkpoint, fixture.settings);
  CATCH_CHECK(ReadLedger(pending.run).size() == ReadLedger(fixture.folder.File("straight")).size());
}

CATCH_TEST_CASE("B4 itself resumes to the same bytes after kill -9") {
  RunSettings settings = TinySettings(2);
  settings.model.width_scale = 1;
  settings.model.depth_scale = 1;
  settings.model.input_pixels = 64;
  settings.model.front_end = "specialist";
  settings.recipe.self_made_share = 1;
  settings.recipe.batch_size = 2;
  settings.recipe.steps_per_chunk_max = 2;
  settings.recipe.rounding_period = 1;
  settings.recipe.stages = {{.input_pixels = 64}};
  settings.evaluation.look_ahead = false;
  settings.evaluation.frames_per_clip = 1;
  const TinyRuns fixture(settings, 64);
  ScriptedControl control(fixture.settings);
  const RunOutcome straight = RunHere(fixture.Options(SpecialistName::kRR, "straight"), control);
  CATCH_REQUIRE(straight.status.ok());
  CATCH_CHECK(SystemFiles().Stat(straight.last_checkpoint)->size_bytes <= 160'000'000);
  TrainerOptions killed = fixture.Options(SpecialistName::kRR, "killed");
  killed.resume = DriveProcess(killed, fixture.settings_file, 0);
  RequireSameState(straight.last_checkpoint, DriveProcess(killed, fixture.settings_file, -1),
                   fixture.settings, SpecialistName::kRR);
}

}  // namespace
}  // namespace interceptor::worker
