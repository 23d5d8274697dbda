#include "worker/integrate/specialist_calibration.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <set>
#include <string_view>

#include "common/base/status.h"
#include "common/stats/bootstrap.h"
#include "common/stats/calibration.h"

namespace interceptor::worker {
namespace {

// The bound itself is not reached.
constexpr double kJustBelow = 1 - 1e-9;

std::vector<double> LogitsOf(const ScoreRow& row, size_t parts) {
  if (parts == 1) return {row.logit};
  return {row.logit, row.parts->evidence, row.parts->self_made};
}

double Apply(const LogisticFit& fit, const std::vector<double>& scores) {
  double ratio = fit.bias;
  for (size_t i = 0; i < scores.size(); ++i) ratio += fit.weights[i] * scores[i];
  return ratio;
}

std::vector<double> SidesOf(double z) {
  return {ClipLogLoss({.score = z, .fake = false}), -ClipLogLoss({.score = z, .fake = true})};
}

int64_t CountFamilies(const std::vector<ScoreRow>& rows, Label label) {
  std::set<std::string_view> families;
  for (const ScoreRow& row : rows) {
    if (row.clip.label == label && !row.abstained) families.insert(row.clip.family);
  }
  return static_cast<int64_t>(families.size());
}

}  // namespace

double SpecialistCalibration::Bound() const {
  return std::log(static_cast<double>(std::min(real_families, fake_families)) + 1) * kJustBelow;
}

double SpecialistCalibration::LogRatio(const ScoreRow& row) const {
  if (row.abstained) return 0;
  const double z = Apply(fit, LogitsOf(row, fit.weights.size()));
  return calibrated ? std::clamp(Apply(sides, SidesOf(z)), -Bound(), Bound()) : z;
}

absl::StatusOr<SpecialistCalibration> CalibrateSpecialist(const CalibrationRows& rows) {
  SpecialistCalibration calibration;
  calibration.real_families = CountFamilies(rows.rows(), Label::kReal);
  calibration.fake_families = CountFamilies(rows.rows(), Label::kFake);
  if (std::min(calibration.real_families, calibration.fake_families) < kFamiliesPerClassMin)
    return calibration;
  if (rows.rows().front().parts) calibration.parts = {"fused", "evidence", "self_made"};
  std::vector<LabelledScores> scores;
  for (const ScoreRow& row : rows.rows()) {
    if (row.parts.has_value() != (calibration.parts.size() > 1)) {
      return InvalidArgument(
          "clip ", row.clip.chunk, "/", row.clip.name,
          row.parts ? " has logits of parts and others have none" : " has no logits of parts and others do");
    }
    if (row.abstained) continue;
    scores.push_back({LogitsOf(row, calibration.parts.size()), row.clip.label == Label::kFake});
  }
  const double pull = 1 / static_cast<double>(calibration.real_families + calibration.fake_families);
  ICPT_ASSIGN_OR_RETURN(calibration.fit, FitLogistic(scores, pull));
  for (LabelledScores& clip : scores) clip.scores = SidesOf(Apply(calibration.fit, clip.scores));
  ICPT_ASSIGN_OR_RETURN(calibration.sides, FitLogistic(scores, 0));
  calibration.calibrated = true;
  return calibration;
}

nlohmann::json ToJson(const SpecialistCalibration& calibration) {
  nlohmann::json object = {{"calibrated", calibration.calibrated},
                           {"bias", calibration.fit.bias},
                           {"real_families", calibration.real_families},
                           {"fake_families", calibration.fake_families}};
  for (size_t i = 0; i < calibration.parts.size(); ++i) {
    object["weights"][calibration.parts[i]] = calibration.fit.weights[i];
  }
  if (!calibration.calibrated) return object;
  object["sides"] = {{"weights", calibration.sides.weights}, {"bias", calibration.sides.bias}};
  object["log10_bound"] = calibration.Bound() / std::numbers::ln10;
  return object;
}

}  // namespace interceptor::worker
