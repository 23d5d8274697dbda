// The fusion of the specialists: from what each says of a clip to one log-likelihood ratio. Pure. docs/evaluation.md,
// "Fusion".
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "absl/status/statusor.h"
#include "worker/evaluation/specialist_calibration.h"
#include "worker/integrate/decision.h"
#include "worker/integrate/subset_weights.h"

namespace interceptor::worker {

struct FusedSpecialist {
  SpecialistName specialist = SpecialistName::kBG;
  SpecialistCalibration calibration;
};

struct LeftOutSpecialist {
  SpecialistName specialist = SpecialistName::kBG;
  std::string reason;
};

struct Fusion {
  // False when no specialist could be calibrated: the ratio is the mean of their logits, bounded all the same.
  bool calibrated = false;
  std::vector<FusedSpecialist> specialists;  // in the order of every table
  std::vector<LeftOutSpecialist> left_out;
  double pull = 0;  // of FitSubsets, chosen by cross-validation
  SubsetWeights weights;
  // Of what the weights give, fitted on what they gave for families that they were not fitted on.
  LogisticFit recalibration = {.weights = {1}, .bias = 0};
  // Nothing without calibration: then nothing can be decided.
  std::optional<DecisionBand> decision = {};

  // What each specialist says: nothing where its row is nullptr or abstained. REQUIRES: a row for each, in their order.
  std::vector<std::optional<double>> Ratios(std::span<const ScoreRow* const> rows) const;

  // In nats, positive for FAKE, of the ratios of those that speak; 0 when none does. REQUIRES: one for each specialist, in
  // their order.
  double LogRatio(std::span<const std::optional<double>> ratios) const;

  // What `weighed` of SubsetWeights becomes: recalibrated, and bounded as the subset can support. REQUIRES: subset > 0.
  double Recalibrated(double weighed, Subset subset) const;

  // |LogRatio| is at most that: what the best-supported specialist of the subset could support alone. REQUIRES: subset > 0.
  double Bound(Subset subset) const;
};

// P(FAKE) of a clip where a share of `fake_prior` of all clips is fake; it is called fake at 1/2 and more. REQUIRES: 0 <
// fake_prior < 1.
double FakeProbability(double log_ratio, double fake_prior);

// The same fusion always gives the same bytes.
nlohmann::json ToJson(const Fusion& fusion);
// INVALID_ARGUMENT for anything that ToJson does not write, FAILED_PRECONDITION for a newer version.
absl::StatusOr<Fusion> ParseFusion(const nlohmann::json& object);

}  // namespace interceptor::worker
