// The files of a run: checkpoints, recovery snapshots, the ledger.
#include <sys/resource.h>

#include <csignal>
#include <type_traits>

#include "absl/strings/str_split.h"
#include "common/base/random.h"
#include "common/base/status.h"
#include "common/io/atomic_file.h"
#include "tests/support/catch.h"
#include "tests/support/scratch_folder.h"
#include "worker/child_protocol/run_folder.h"
#include "worker/engine/checkpoint.h"
#include "worker/engine/ledger.h"
#include "worker/engine/start.h"
#include "worker/models/architecture.h"

namespace interceptor::worker {
namespace {

// Drawn numbers in every tensor; the padding between parameters stays zero, as it stands in no file.
HostState DrawnState(const Architecture& net, bool bf16_moments) {
  HostState state = MakeHostState(net, bf16_moments);
  auto fill = [](auto& values, const std::vector<TensorPlace>& places, std::string_view name) {
    if (values.empty()) return;
    const RandomKey key = MakeRandomKey(1, name);
    for (const TensorPlace& place : places) {
      for (int64_t i = place.offset; i < place.offset + place.count; ++i) {
        values[i] = static_cast<std::decay_t<decltype(values[i])>>(RandomBits(key, i) >> 50);
      }
    }
  };
  fill(state.weights, net.parameters, "weights");
  fill(state.statistics, net.statistics, "statistics");
  fill(state.exp_avg, net.parameters, "exp_avg");
  fill(state.exp_avg_bf16, net.parameters, "exp_avg");
  fill(state.exp_avg_sq, net.parameters, "exp_avg_sq");
  fill(state.exp_avg_sq_bf16, net.parameters, "exp_avg_sq");
  state.group_steps = {9, 8, 7, 6, 5, 4, 3, 2, 1, 0};
  return state;
}

struct SavedFixture {
  SavedFixture() {
    info.specialist = SpecialistName::kLL;
    info.plan_digest = DigestOf("plan").hex;
    info.manifests = {DigestOf("m0").hex, DigestOf("m1").hex};
    info.cursor = {.chunk = 1, .epoch = 2, .position = 3, .seed = 4};
    info.step = 99;
    info.facts = {.device = "cpu", .precision = "fp32", .cpu_capability = "AVX512", .build = "test"};
    info.lineage = {DigestOf("first").hex};
    path = folder.File("checkpoint.safetensors");
    CATCH_REQUIRE(WriteCheckpoint(SystemFiles(), path, net, info, state, {1, 2, 3}).ok());
  }

  ScratchFolder folder;
  const Architecture net = MakeEfficientNetB4(0.1, 0.1, 2);
  const HostState state = DrawnState(net, true);
  CheckpointInfo info;
  std::string path;
};

CATCH_TEST_CASE("a checkpoint gives back what it was given") {
  const SavedFixture saved;
  const auto read = ReadCheckpoint(SystemFiles(), saved.path, saved.net);
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
  const auto newer = ReadCheckpoint(SystemFiles(), saved.path, saved.net);
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
    const auto read = ReadCheckpoint(SystemFiles(), saved.path, saved.net);
    CATCH_CHECK(read.status().code() == absl::StatusCode::kDataLoss);
  }
  CATCH_REQUIRE(WriteFileAtomically(SystemFiles(), saved.path, bytes.substr(0, bytes.size() / 2)).ok());
  CATCH_CHECK(ReadCheckpoint(SystemFiles(), saved.path, saved.net).status().code() ==
              absl::StatusCode::kDataLoss);
}

TrainerOptions OptionsOf(const SavedFixture& saved) {
  TrainerOptions options;
  options.run = saved.folder.path();
  options.specialist = saved.info.specialist;
  options.settings.plan_digest = saved.info.plan_digest;
  options.settings.seed = 4;
  options.settings.model.width_scale = options.settings.model.depth_scale = 0.1;
  return options;
}

CATCH_TEST_CASE("a snapshot is used only if it descends from the checkpoint to resume from") {
  const SavedFixture saved;
  const std::string path = SnapshotPath(saved.folder.path(), 1);
  TrainerOptions options = OptionsOf(saved);
  StartingPoint start;
  start.checkpoint.info.cursor.chunk = 1;
  const HostState full = DrawnState(saved.net, false);
  CATCH_REQUIRE(WriteCheckpoint(SystemFiles(), path, saved.net, saved.info, full, {}).ok());
  CATCH_CHECK((*FindSnapshot(SystemFiles(), options, start))->snapshot_number == 1);
  options.resume = "checkpoint";
  start.digest = saved.info.lineage.back();
  CATCH_CHECK((*FindSnapshot(SystemFiles(), options, start))->digest ==
              DigestOfFile(SystemFiles(), path)->hex);
  start.digest = DigestOf("somebody else's").hex;
  CATCH_CHECK_FALSE(FindSnapshot(SystemFiles(), options, start)->has_value());
  CATCH_CHECK_FALSE(SystemFiles().Exists(path));
}

CATCH_TEST_CASE("a snapshot is used only within the chunk of the checkpoint to resume from, and beyond it") {
  SavedFixture saved;
  const HostState full = DrawnState(saved.net, false);
  auto write = [&](int64_t number, int chunk, int64_t step) {
    saved.info.cursor.chunk = chunk;
    saved.info.step = step;
    const std::string path = SnapshotPath(saved.folder.path(), number);
    CATCH_REQUIRE(WriteCheckpoint(SystemFiles(), path, saved.net, saved.info, full, {}).ok());
  };
  write(0, 1, 99);
  write(1, 2, 200);
  auto found = [&](int chunk, int64_t step) {
    StartingPoint start;
    start.checkpoint.info.cursor.chunk = chunk;
    start.checkpoint.info.step = step;
    const auto snapshot = FindSnapshot(SystemFiles(), OptionsOf(saved), start);
    return snapshot->has_value() ? (*snapshot)->checkpoint.info.step : -1;
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

}  // namespace
}  // namespace interceptor::worker
