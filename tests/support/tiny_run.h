// Test helper: whole training runs over small clip stores, with orders, saves and stops by script.
#pragma once

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "common/base/status.h"
#include "common/io/atomic_file.h"
#include "tests/support/catch.h"
#include "tests/support/scratch_folder.h"
#include "tests/support/tiny_store.h"
#include "worker/child_protocol/codec.h"
#include "worker/engine/checkpoint.h"
#include "worker/engine/trainer.h"
#include "worker/models/specialist.h"
#include "worker/store/settings.h"

namespace interceptor::worker {

inline RunSettings TinySettings(int chunks) {
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

inline void WriteStores(const std::string& store, const RunSettings& settings, int side) {
  for (const std::string& chunk : settings.chunks) {
    const TinyStore tiny{.store = store,
                         .chunk = chunk,
                         .fakes_per_family = 2,
                         .side = side,
                         .folds = settings.evaluation.folds,
                         .all_views = ModeOf(settings.model) != FrontEndMode::kFaceCrop};
    CATCH_REQUIRE(WriteTinyStore(tiny).ok());
  }
}

// Against a bias of the tiny store's bright clips, from the second chunk on.
inline std::vector<SamplingWeight> TinySampling(int chunk) {
  if (chunk == 0) return {};
  return {{.attribute = "brightness", .slice = "bright", .fake = false, .share = 0.25}};
}

// Orders chunk after chunk; asks for saves and stops at given steps.
class ScriptedControl : public Control {
 public:
  explicit ScriptedControl(const RunSettings& settings) : settings_(settings) {}

  void Emit(const TrainerEvent& event) override {
    events.push_back(ToJson(event));
    if (!std::holds_alternative<CheckpointEvent>(event)) return;
    save_ = false;
    checkpoints.push_back(events.back());
  }
  absl::StatusOr<std::optional<ChunkOrder>> NextChunk(int next) override {
    if (stopped_ || next >= static_cast<int>(settings_.chunks.size())) return std::nullopt;
    if (std::exchange(scores_pending, false)) --next;
    return ChunkOrder{.chunk = next, .name = settings_.chunks[next], .sampling = TinySampling(next)};
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
  bool scores_pending = false;  // the first order is for the chunk before
  std::vector<nlohmann::json> events;
  std::vector<nlohmann::json> checkpoints;

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

// The figures of a run's validations, by step.
inline std::map<int64_t, nlohmann::json> ValidationsOf(const ScriptedControl& control) {
  std::map<int64_t, nlohmann::json> validations;
  for (nlohmann::json event : control.events) {
    if (event.at("event") != "evaluation" || event.at("kind") != "validation") continue;
    event.erase("path");
    validations[event.at("step")] = event;
  }
  return validations;
}

inline RunOutcome RunHere(const TrainerOptions& options, ScriptedControl& control) {
  RunOutcome outcome;
  outcome.status = Train(SystemFiles(), options, control);
  if (!control.checkpoints.empty()) outcome.last_checkpoint = control.checkpoints.back().at("path");
  return outcome;
}

// Every tensor of two checkpoints, byte for byte.
inline void RequireSameState(const std::string& a, const std::string& b, const RunSettings& settings,
                             SpecialistName specialist = SpecialistName::kBG) {
  const Architecture net = MakeArchitecture(settings.model, specialist);
  const auto first = ReadCheckpoint(SystemFiles(), a, net);
  const auto second = ReadCheckpoint(SystemFiles(), b, net);
  CATCH_REQUIRE(first.ok());
  CATCH_REQUIRE(second.ok());
  CATCH_CHECK(first->info.step == second->info.step);
  CATCH_CHECK(first->info.cursor == second->info.cursor);
  CATCH_CHECK(first->info.manifests == second->info.manifests);
  CATCH_CHECK(first->info.validation == second->info.validation);
  CATCH_CHECK(first->state.weights == second->state.weights);
  CATCH_CHECK(first->state.statistics == second->state.statistics);
  CATCH_CHECK(first->state.counters == second->state.counters);
  CATCH_CHECK(first->state.group_steps == second->state.group_steps);
  CATCH_CHECK(first->state.exp_avg_bf16 == second->state.exp_avg_bf16);
  CATCH_CHECK(first->state.exp_avg_sq_bf16 == second->state.exp_avg_sq_bf16);
}

// Stores of the settings' chunks, and a file of the settings.
struct TinyRuns {
  explicit TinyRuns(RunSettings given, int side = 32) : settings(std::move(given)) {
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

}  // namespace interceptor::worker
