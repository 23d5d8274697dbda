#include "common/stats/measures.h"

#include <cmath>
#include <numbers>
#include <utility>

#include "common/base/enum_names.h"
#include "common/base/status.h"

namespace interceptor {
namespace {

constexpr std::pair<Measure, std::string_view> kNames[] = {
    {Measure::kAuc, "auc"},
    {Measure::kAveragePrecision, "average_precision"},
    {Measure::kEqualErrorRate, "equal_error_rate"},
    {Measure::kRecallAt5, "recall_at_5_percent"},
    {Measure::kRecallAt1, "recall_at_1_percent"},
    {Measure::kLogLoss, "log_loss"},
    {Measure::kBrier, "brier"},
    {Measure::kCalibrationError, "calibration_error"},
    {Measure::kLogRatioCost, "cllr"},
    {Measure::kMinimalLogRatioCost, "cllr_min"},
    {Measure::kRealAccuracy, "real_accuracy"},
    {Measure::kFakeAccuracy, "fake_accuracy"},
    {Measure::kRiskCoverageArea, "risk_coverage_area"},
};
static_assert(std::size(kNames) == kMeasures);

std::vector<double> ToVector(const MeasureValues& values) { return {values.begin(), values.end()}; }

absl::StatusOr<MeasureTable> MakeTable(const std::vector<ClipMember>& members,
                                       const WeightedMeasures& measures, const BootstrapOptions& options,
                                       double fake_prior) {
  ICPT_ASSIGN_OR_RETURN(const std::vector<Interval> intervals, FamilyIntervals(members, measures, options));
  MeasureTable table;
  table.fake_prior = fake_prior;
  for (const ClipMember& clip : members) ++(clip.fake ? table.fakes : table.reals);
  table.false_alarm_bound = 3.0 / static_cast<double>(table.reals);
  for (size_t m = 0; m < kMeasures; ++m) {
    const auto measure = static_cast<Measure>(m);
    const bool low_alarms = measure == Measure::kRecallAt5 || measure == Measure::kRecallAt1;
    if (!low_alarms || table.reals >= kRealsForLowAlarms) table.intervals[m] = intervals[m];
  }
  return table;
}

}  // namespace

std::string_view ToString(Measure measure) { return NameOf(kNames, measure); }

MeasuredScores::MeasuredScores(ScoreOrder order, double fake_prior)
    : order_(std::move(order)), at_even_odds_(order_.scores(), 0.5), at_prior_(order_.scores(), fake_prior) {}

absl::StatusOr<MeasuredScores> MeasuredScores::Create(const std::vector<ScoredLabel>& clips,
                                                      double fake_prior) {
  if (!(fake_prior > 0 && fake_prior < 1)) {
    return InvalidArgument("fake_prior is ", fake_prior, "; it lies between 0 and 1");
  }
  for (const ScoredLabel& clip : clips) {
    if (!std::isfinite(clip.score)) return InvalidArgument("a logit is not finite");
  }
  ICPT_ASSIGN_OR_RETURN(ScoreOrder order, ScoreOrder::Create(clips));
  return MeasuredScores(std::move(order), fake_prior);
}

absl::StatusOr<MeasureValues> MeasuredScores::Values(const std::vector<int32_t>& weights) const {
  ScoreCounts counts;
  ICPT_RETURN_IF_ERROR(order_.Count(weights, counts));
  const ClassAccuracy accuracy = at_prior_.Accuracy(counts);
  return MeasureValues{Auc(counts),
                       AveragePrecision(counts),
                       EqualErrorRate(counts),
                       RecallAtFalseAlarms(counts, 5),
                       RecallAtFalseAlarms(counts, 1),
                       at_prior_.LogLoss(counts),
                       at_prior_.Brier(counts),
                       at_prior_.CalibrationError(counts),
                       at_even_odds_.LogLoss(counts) / std::numbers::ln2,
                       MinimalLogRatioCost(counts),
                       accuracy.real,
                       accuracy.fake,
                       at_prior_.RiskCoverageArea(counts)};
}

absl::StatusOr<MeasureTable> MeasureIntervals(const std::vector<ClipScore>& clips,
                                              const BootstrapOptions& options, double fake_prior) {
  std::vector<ScoredLabel> scores;
  std::vector<ClipMember> members;
  for (const ClipScore& clip : clips) {
    scores.push_back({.score = clip.logit, .fake = clip.fake});
    members.push_back({.family = clip.family, .fake = clip.fake});
  }
  ICPT_ASSIGN_OR_RETURN(const MeasuredScores measured, MeasuredScores::Create(scores, fake_prior));
  const auto measures = [&](const std::vector<int32_t>& weights) -> absl::StatusOr<std::vector<double>> {
    ICPT_ASSIGN_OR_RETURN(const MeasureValues values, measured.Values(weights));
    return ToVector(values);
  };
  return MakeTable(members, measures, options, fake_prior);
}

absl::StatusOr<MeasureTable> MeasureDifferences(const std::vector<PairedClipScore>& clips,
                                                const BootstrapOptions& options, double fake_prior) {
  std::vector<ScoredLabel> first_scores;
  std::vector<ScoredLabel> second_scores;
  std::vector<ClipMember> members;
  for (const PairedClipScore& clip : clips) {
    first_scores.push_back({.score = clip.first, .fake = clip.fake});
    second_scores.push_back({.score = clip.second, .fake = clip.fake});
    members.push_back({.family = clip.family, .fake = clip.fake});
  }
  ICPT_ASSIGN_OR_RETURN(const MeasuredScores first, MeasuredScores::Create(first_scores, fake_prior));
  ICPT_ASSIGN_OR_RETURN(const MeasuredScores second, MeasuredScores::Create(second_scores, fake_prior));
  const auto differences = [&](const std::vector<int32_t>& weights) -> absl::StatusOr<std::vector<double>> {
    ICPT_ASSIGN_OR_RETURN(const MeasureValues before, first.Values(weights));
    ICPT_ASSIGN_OR_RETURN(const MeasureValues after, second.Values(weights));
    std::vector<double> values = ToVector(after);
    for (size_t m = 0; m < kMeasures; ++m) values[m] -= before[m];
    return values;
  };
  return MakeTable(members, differences, options, fake_prior);
}

}  // namespace interceptor
