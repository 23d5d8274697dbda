#include "worker/integrate/judgement.h"

#include <algorithm>
#include <string>
#include <utility>

#include "common/base/status.h"
#include "worker/evaluation/bias.h"
#include "worker/evaluation/calibration_rows.h"

namespace interceptor::worker {
namespace {

std::vector<ClipScore> RatiosOf(const ScoreTable& table, const SpecialistCalibration& calibration) {
  std::vector<ClipScore> clips;
  for (const ScoreRow& row : table.rows) {
    clips.push_back({row.clip.family, row.clip.label == Label::kFake, calibration.LogRatio(row)});
  }
  return clips;
}

nlohmann::json BiasJson(const std::optional<BiasReport>& bias) {
  return bias ? ToJson(*bias) : nlohmann::json();
}

}  // namespace

absl::StatusOr<Judgement> JudgeSpecialist(const ScoreTable& table, uint64_t seed) {
  const BootstrapOptions options{.seed = seed};
  const SpecialistCalibration as_it_is;
  Judgement judgement;
  ICPT_ASSIGN_OR_RETURN(judgement.measures, MeasureIntervals(RatiosOf(table, as_it_is), options));
  const int held_out_fold = table.rows.front().clip.fold;
  SplitTable split = SplitByHalf(table, held_out_fold);
  ICPT_ASSIGN_OR_RETURN(judgement.calibrate_half,
                        FitCalibrateHalf(std::move(split.calibrate), held_out_fold, options));
  if (HasBothClasses(split.report)) {
    judgement.reported = RatiosOf(split.report, judgement.calibrate_half.calibration);
    judgement.reported_abstained = std::ranges::count_if(split.report.rows, &ScoreRow::abstained);
    ICPT_ASSIGN_OR_RETURN(judgement.report, MeasureIntervals(RatiosOf(split.report, as_it_is), options));
    ICPT_ASSIGN_OR_RETURN(judgement.report_calibrated, MeasureIntervals(judgement.reported, options));
  }
  return judgement;
}

nlohmann::json MeasuresJson(const std::optional<MeasureTable>& table) {
  if (!table) return nullptr;
  nlohmann::json object = {{"fakes", table->fakes},
                           {"reals", table->reals},
                           {"fake_prior", table->fake_prior},
                           {"false_alarm_bound", table->false_alarm_bound}};
  for (size_t m = 0; m < kMeasures; ++m) {
    const std::optional<Interval>& interval = table->intervals[m];
    const std::string name(ToString(static_cast<Measure>(m)));
    if (!interval) continue;
    object[name] = {{"value", interval->estimate}, {"interval", {interval->low, interval->high}}};
    object["too_few"] = interval->too_few;
  }
  return object;
}

nlohmann::json ToJson(const Judgement& judgement) {
  return {{"measures", MeasuresJson(judgement.measures)},
          {"calibration", ToJson(judgement.calibrate_half.calibration)},
          {"report", MeasuresJson(judgement.report)},
          {"report_calibrated", MeasuresJson(judgement.report_calibrated)},
          {"bias", BiasJson(judgement.calibrate_half.before)},
          {"bias_calibrated", BiasJson(judgement.calibrate_half.after)}};
}

}  // namespace interceptor::worker
