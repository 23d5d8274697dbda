#include "common/facts/task.h"

namespace interceptor {
namespace {

constexpr std::string_view kTrainPrefix = "train/";

}  // namespace

std::string TrainTask(std::string_view specialist) {
  return std::string(kTrainPrefix) + std::string(specialist);
}

std::string SpecialistOf(std::string_view task) {
  if (task.substr(0, kTrainPrefix.size()) != kTrainPrefix) return "";
  return std::string(task.substr(kTrainPrefix.size()));
}

std::string_view ToString(Phase phase) {
  switch (phase) {
    case Phase::kUnknown:
      return "unknown";
    case Phase::kWaitingForData:
      return "waiting for data";
    case Phase::kPreparing:
      return "preparing";
    case Phase::kWaitingForTurn:
      return "waiting for turn";
    case Phase::kTraining:
      return "training";
    case Phase::kEvaluating:
      return "evaluating";
    case Phase::kSaving:
      return "saving";
    case Phase::kIntegrating:
      return "integrating";
  }
  return "unknown";
}

}  // namespace interceptor
