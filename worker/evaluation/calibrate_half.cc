#include "worker/evaluation/calibrate_half.h"

#include <utility>

#include "common/base/status.h"
#include "worker/evaluation/bias.h"
#include "worker/evaluation/calibration_rows.h"
#include "worker/evaluation/sampling_correction.h"

namespace interceptor::worker {

absl::StatusOr<CalibrateHalf> FitCalibrateHalf(ScoreTable calibrate, int held_out_fold,
                                               const BootstrapOptions& options) {
  const bool both = HasBothClasses(calibrate);
  ICPT_ASSIGN_OR_RETURN(const CalibrationRows rows,
                        CalibrationRows::Create(std::move(calibrate), held_out_fold));
  CalibrateHalf half;
  ICPT_ASSIGN_OR_RETURN(half.calibration, CalibrateSpecialist(rows));
  if (!both) return half;
  ICPT_ASSIGN_OR_RETURN(half.before, MakeBiasReport(rows, SpecialistCalibration(), options));
  ICPT_ASSIGN_OR_RETURN(half.after, MakeBiasReport(rows, half.calibration, options));
  return half;
}

absl::StatusOr<std::optional<Bias>> MeasureBias(const ScoreTable& held_out, int held_out_fold,
                                                const std::vector<SamplingWeight>& sampling, bool correct,
                                                const BootstrapOptions& options) {
  SplitTable split = SplitByHalf(held_out, held_out_fold);
  ICPT_ASSIGN_OR_RETURN(CalibrateHalf half,
                        FitCalibrateHalf(std::move(split.calibrate), held_out_fold, options));
  if (!half.before || !half.after) return std::nullopt;
  Bias bias{.before = *std::move(half.before), .after = *std::move(half.after), .next_sampling = {}};
  bias.before.slices.clear();
  if (correct) bias.next_sampling = NextSampling(bias.after, sampling);
  return bias;
}

bool HasBothClasses(const ScoreTable& table) {
  bool classes[2] = {};
  for (const ScoreRow& row : table.rows) {
    if (!row.abstained) classes[row.clip.label == Label::kFake] = true;
  }
  return classes[0] && classes[1];
}

}  // namespace interceptor::worker
