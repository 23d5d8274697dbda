// What a worker holds and how far it is: tasks, terms, phases, progress. Plain values. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "common/facts/cursor.h"

namespace interceptor {

// "train/BG" or "integrate", and the counter that fences stale holders.
struct TaskRef {
  std::string task;
  int64_t term = 0;

  friend bool operator==(const TaskRef&, const TaskRef&) = default;
};

// "train/BG"
std::string TrainTask(std::string_view specialist);
inline constexpr std::string_view kIntegrateTask = "integrate";
// "BG" of "train/BG"; empty for any other task.
std::string SpecialistOf(std::string_view task);

// Numbered as on the wire.
enum class Phase {
  kUnknown,
  kWaitingForData,
  kPreparing,
  kWaitingForTurn,
  kTraining,
  kEvaluating,
  kSaving,
  kIntegrating,
};
std::string_view ToString(Phase phase);  // "waiting for data" ...
std::optional<Phase> ParsePhase(std::string_view text);

struct Progress {
  TaskRef task = {};
  Phase phase = Phase::kUnknown;
  Cursor cursor = {};
  int64_t step = 0;
  int64_t chunk_steps = 0;
  double loss = 0;
  double gradient_norm = 0;
  double samples_per_second = 0;
  double data_wait_share = 0;
  double training_seconds = 0;
  int64_t activity = 0;      // counts whatever moves; a phase that makes progress raises it
  std::string trouble = {};  // why nothing moves, for people; empty when all is well

  friend bool operator==(const Progress&, const Progress&) = default;
};

}  // namespace interceptor
