#include "worker/evaluation/specialist_calibration.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <numbers>
#include <set>
#include <string_view>
#include <utility>
#include <vector>

#include "common/base/digest.h"
#include "common/base/status.h"
#include "common/io/json_fields.h"
#include "common/stats/calibration.h"

namespace interceptor::worker {
namespace {

// The bound itself is not reached.
constexpr double kJustBelow = 1 - 1e-9;

const std::vector<std::string> kThreeParts = {"fused", "evidence", "self_made"};

std::vector<double> LogitsOf(const ScoreRow& row, size_t parts, Pooling pooling) {
  const double fused = FusedLogit(row, pooling);
  if (parts == 1) return {fused};
  return {fused, row.parts->evidence, row.parts->self_made};
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

// A calibration with nothing fitted yet.
SpecialistCalibration CountFamilies(const CalibrationRows& rows) {
  SpecialistCalibration calibration;
  calibration.real_families = CountFamilies(rows.rows(), Label::kReal);
  calibration.fake_families = CountFamilies(rows.rows(), Label::kFake);
  return calibration;
}

// REQUIRES: there are rows.
absl::StatusOr<size_t> CountParts(const CalibrationRows& rows) {
  const size_t parts = rows.rows().front().parts ? kThreeParts.size() : 1;
  for (const ScoreRow& row : rows.rows()) {
    if (row.parts.has_value() == (parts > 1)) continue;
    return InvalidArgument(
        "clip ", row.clip.chunk, "/", row.clip.name,
        row.parts ? " has logits of parts and others have none" : " has no logits of parts and others do");
  }
  return parts;
}

double PullOf(const SpecialistCalibration& calibration) {
  return 1 / static_cast<double>(calibration.real_families + calibration.fake_families);
}

// Of the rows that do not abstain.
std::vector<LabelledScores> ScoresOf(const std::vector<ScoreRow>& rows, size_t parts, Pooling pooling) {
  std::vector<LabelledScores> scores;
  for (const ScoreRow& row : rows) {
    if (!row.abstained) scores.push_back({LogitsOf(row, parts, pooling), row.clip.label == Label::kFake});
  }
  return scores;
}

uint64_t PoolingFold(const std::string& family) {
  constexpr uint64_t kFolds = 5;
  return DigestPrefix64(Cat("pooling|", family)) % kFolds;
}

// Log loss of each clip by a fit on the other folds' families.
absl::StatusOr<std::vector<double>> LossesOutOfFold(const std::vector<LabelledScores>& scores,
                                                    const std::vector<uint64_t>& folds, double pull) {
  std::map<uint64_t, LogisticFit> fits;
  for (const uint64_t fold : std::set<uint64_t>(folds.begin(), folds.end())) {
    std::vector<LabelledScores> others;
    for (size_t i = 0; i < scores.size(); ++i) {
      if (folds[i] != fold) others.push_back(scores[i]);
    }
    ICPT_ASSIGN_OR_RETURN(fits[fold], FitLogistic(others, pull));
  }
  std::vector<double> losses;
  for (size_t i = 0; i < scores.size(); ++i) {
    losses.push_back(ClipLogLoss({.score = Apply(fits[folds[i]], scores[i].scores), .fake = scores[i].fake}));
  }
  return losses;
}

absl::StatusOr<Pooling> ChoosePooling(const std::vector<ScoreRow>& rows, size_t parts, double pull) {
  if (std::ranges::all_of(rows, [](const ScoreRow& row) { return row.windows.size() < 2; })) {
    return Pooling::kMean;
  }
  std::vector<uint64_t> folds;
  std::vector<ClipMember> members;
  for (const ScoreRow& row : rows) {
    if (row.abstained) continue;
    folds.push_back(PoolingFold(row.clip.family));
    members.push_back({row.clip.family, row.clip.label == Label::kFake});
  }
  ICPT_ASSIGN_OR_RETURN(const std::vector<double> by_mean,
                        LossesOutOfFold(ScoresOf(rows, parts, Pooling::kMean), folds, pull));
  Pooling best = Pooling::kMean;
  double least = 0;
  for (const Pooling pooling : {Pooling::kTopMean, Pooling::kConfidentVote}) {
    ICPT_ASSIGN_OR_RETURN(std::vector<double> rises,
                          LossesOutOfFold(ScoresOf(rows, parts, pooling), folds, pull));
    for (size_t i = 0; i < rises.size(); ++i) rises[i] -= by_mean[i];
    ICPT_ASSIGN_OR_RETURN(const Interval rise, BalancedMeanInterval(members, rises, {}));
    if (rise.high >= 0 || rise.estimate >= least) continue;
    best = pooling;
    least = rise.estimate;
  }
  return best;
}

}  // namespace

double SpecialistCalibration::Bound() const {
  return std::log(static_cast<double>(std::min(real_families, fake_families)) + 1) * kJustBelow;
}

double SpecialistCalibration::LogRatio(const ScoreRow& row) const {
  if (row.abstained) return 0;
  const double z = Apply(fit, LogitsOf(row, fit.weights.size(), pooling));
  return calibrated ? std::clamp(Apply(sides, SidesOf(z)), -Bound(), Bound()) : z;
}

absl::StatusOr<SpecialistCalibration> CalibrateSpecialist(const CalibrationRows& rows) {
  SpecialistCalibration few = CountFamilies(rows);
  if (std::min(few.real_families, few.fake_families) < kFamiliesPerClassMin) return few;
  ICPT_ASSIGN_OR_RETURN(const size_t parts, CountParts(rows));
  ICPT_ASSIGN_OR_RETURN(const Pooling pooling, ChoosePooling(rows.rows(), parts, PullOf(few)));
  return CalibrateFold(rows, pooling);
}

absl::StatusOr<SpecialistCalibration> CalibrateFold(const CalibrationRows& rows, Pooling pooling) {
  SpecialistCalibration calibration = CountFamilies(rows);
  if (std::min(calibration.real_families, calibration.fake_families) == 0) return calibration;
  ICPT_ASSIGN_OR_RETURN(const size_t parts, CountParts(rows));
  if (parts > 1) calibration.parts = kThreeParts;
  calibration.pooling = pooling;
  std::vector<LabelledScores> scores = ScoresOf(rows.rows(), parts, pooling);
  ICPT_ASSIGN_OR_RETURN(calibration.fit, FitLogistic(scores, PullOf(calibration)));
  for (LabelledScores& clip : scores) clip.scores = SidesOf(Apply(calibration.fit, clip.scores));
  ICPT_ASSIGN_OR_RETURN(calibration.sides, FitLogistic(scores, 0));
  calibration.calibrated = true;
  return calibration;
}

nlohmann::json ToJson(const SpecialistCalibration& calibration) {
  nlohmann::json object = {{"calibrated", calibration.calibrated},
                           {"pooling", std::string(ToString(calibration.pooling))},
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

absl::StatusOr<SpecialistCalibration> ParseSpecialistCalibration(const nlohmann::json& object) {
  FieldReader reader(object, "calibration");
  SpecialistCalibration calibration;
  std::map<std::string, double> weights;
  double log10_bound = 0;
  reader("calibrated", calibration.calibrated);
  reader.Name("pooling", calibration.pooling, ParsePooling);
  reader("bias", calibration.fit.bias);
  reader("real_families", calibration.real_families);
  reader("fake_families", calibration.fake_families);
  reader("weights", weights);
  if (calibration.calibrated) {
    reader.Object("sides", [&](FieldReader& nested) {
      calibration.sides.weights.clear();
      nested("weights", calibration.sides.weights);
      nested("bias", calibration.sides.bias);
    });
    reader("log10_bound", log10_bound);
  }
  if (weights.size() > 1) calibration.parts = kThreeParts;
  calibration.fit.weights.clear();
  const size_t given = weights.size();
  for (const std::string& part : calibration.parts) calibration.fit.weights.push_back(weights[part]);
  if (given != calibration.parts.size() || weights.size() != given)
    reader.reader().Fail("has weights of unknown parts");
  if (calibration.sides.weights.size() != 2) reader.reader().Fail("has not two sides");
  for (const LogisticFit* fit : {&calibration.fit, &calibration.sides}) {
    for (const double weight : fit->weights) {
      if (weight < 0) reader.reader().Fail(Cat("has the weight ", weight, "; it is 0 or more"));
    }
  }
  const int64_t fewer = std::min(calibration.real_families, calibration.fake_families);
  if (fewer < (calibration.calibrated ? 1 : 0)) reader.reader().Fail("has too few families");
  ICPT_RETURN_IF_ERROR(reader.Finish());
  if (calibration.calibrated && std::abs(log10_bound * std::numbers::ln10 - calibration.Bound()) > 1e-9) {
    return InvalidArgument("calibration is bounded by ", log10_bound,
                           ", which is not what its families support");
  }
  return calibration;
}

}  // namespace interceptor::worker
