#include "common/facts/task.h"

#include "common/base/enum_names.h"

namespace interceptor {
namespace {

constexpr std::string_view kTrainPrefix = "train/";

constexpr std::pair<Phase, std::string_view> kPhases[] = {
    {Phase::kUnknown, "unknown"},     {Phase::kWaitingForData, "waiting for data"},
    {Phase::kPreparing, "preparing"}, {Phase::kWaitingForTurn, "waiting for turn"},
    {Phase::kTraining, "training"},   {Phase::kEvaluating, "evaluating"},
    {Phase::kSaving, "saving"},       {Phase::kIntegrating, "integrating"}};

}  // namespace

std::string TrainTask(std::string_view specialist) {
  return std::string(kTrainPrefix) + std::string(specialist);
}

std::string SpecialistOf(std::string_view task) {
  if (task.substr(0, kTrainPrefix.size()) != kTrainPrefix) return "";
  return std::string(task.substr(kTrainPrefix.size()));
}

std::string_view ToString(Phase phase) { return NameOf(kPhases, phase); }

std::optional<Phase> ParsePhase(std::string_view text) { return ValueNamed(kPhases, text); }

}  // namespace interceptor
