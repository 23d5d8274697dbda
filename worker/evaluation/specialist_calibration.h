// From one specialist's logits to its log-likelihood ratio. Pure. docs/evaluation.md, "Calibration".
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "absl/status/statusor.h"
#include "common/stats/bootstrap.h"
#include "common/stats/logistic.h"
#include "worker/evaluation/calibration_rows.h"
#include "worker/evaluation/pooling.h"

namespace interceptor::worker {

struct SpecialistCalibration {
  // False under kFamiliesPerClassMin families of a class: then the ratio is the fused logit as it is, unbounded.
  bool calibrated = false;
  // Of the windows of the fused logit.
  Pooling pooling = Pooling::kMean;
  // Of "fused", "evidence" and "self_made" those that the score table has; the fit's weights stand in this order.
  std::vector<std::string> parts = {"fused"};
  LogisticFit fit = {.weights = {1}, .bias = 0};
  // What is made of the fit's z: weights of how far it speaks for FAKE, log(1 + exp(z)), and for REAL, -log(1 + exp(-z)).
  // As here they leave it as it is. Beta calibration (Kull, Silva Filho, Flach, "Beta calibration", 2017).
  LogisticFit sides = {.weights = {1, 1}, .bias = 0};
  int64_t real_families = 0;
  int64_t fake_families = 0;

  // |ratio| stays below: ln(N + 1) for N calibration families, of the class that has fewer. With one misleading score
  // more on each side the families could support no larger one (Vergeer et al., "Numerical likelihood ratios outputted
  // by LR systems are often based on extrapolation: when to stop extrapolating?", Science & Justice 56, 2016).
  double Bound() const;

  // In nats, positive for FAKE; 0 for a row that abstained. REQUIRES: the row has the parts fitted on.
  double LogRatio(const ScoreRow& row) const;
};

// Class-balanced logistic regression on the rows that do not abstain, with weights >= 0 and a pull to equal ones of 1 /
// (real_families + fake_families); then the same of the result's two sides, so that strong fakes, which lie far away, do not
// decide the slope near even odds. Windows are pooled by their mean, unless another pooling's log loss on families that the
// fit has not seen is less beyond its paired interval. INVALID_ARGUMENT when only some of the rows have parts.
absl::StatusOr<SpecialistCalibration> CalibrateSpecialist(const CalibrationRows& rows);
// With this pooling, and however few families there are: one that is only to be judged on the other folds may have fewer
// than one that is used. Uncalibrated when a class has none.
absl::StatusOr<SpecialistCalibration> CalibrateFold(const CalibrationRows& rows, Pooling pooling);

nlohmann::json ToJson(const SpecialistCalibration& calibration);
// INVALID_ARGUMENT for anything that ToJson does not write.
absl::StatusOr<SpecialistCalibration> ParseSpecialistCalibration(const nlohmann::json& object);

}  // namespace interceptor::worker
