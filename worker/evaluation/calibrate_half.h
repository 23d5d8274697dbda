// What the calibrate half of a held-out score table gives: the calibration, and the bias before and after it. Pure.
#pragma once

#include <optional>
#include <vector>

#include "absl/status/statusor.h"
#include "common/facts/bias.h"
#include "common/stats/bootstrap.h"
#include "worker/child_protocol/score_table.h"
#include "worker/evaluation/specialist_calibration.h"

namespace interceptor::worker {

struct CalibrateHalf {
  SpecialistCalibration calibration;
  // Of the raw logits and of the calibrated ratios; nothing when a class has no clip that is not abstained from.
  std::optional<BiasReport> before;
  std::optional<BiasReport> after;
};

// INVALID_ARGUMENT when a row may not be fitted on (CalibrationRows).
absl::StatusOr<CalibrateHalf> FitCalibrateHalf(ScoreTable calibrate, int held_out_fold,
                                               const BootstrapOptions& options);

// What a run knows of its bias after a chunk that was sampled by `sampling`, of its held-out table; `correct`: the next chunk
// is sampled against it. Nothing when the calibrate half lacks a class.
absl::StatusOr<std::optional<Bias>> MeasureBias(const ScoreTable& held_out, int held_out_fold,
                                                const std::vector<SamplingWeight>& sampling, bool correct,
                                                const BootstrapOptions& options);

// Among the clips that are not abstained from.
bool HasBothClasses(const ScoreTable& table);

}  // namespace interceptor::worker
