// Measures bias (common/facts/bias.h): gaps by slice, and predictions that have collapsed. From calibration rows alone.
// Pure. docs/evaluation.md, "Bias".
#pragma once

#include <nlohmann/json.hpp>

#include "absl/status/statusor.h"
#include "common/facts/bias.h"
#include "common/stats/bootstrap.h"
#include "worker/evaluation/calibration_rows.h"
#include "worker/evaluation/specialist_calibration.h"

namespace interceptor::worker {

inline constexpr double kSpreadMin = 0.02;
inline constexpr double kOneClassShare = 0.98;

// Of the ratios that `calibration` makes of the rows, called fake at >= 0: SpecialistCalibration{} shows the raw logits.
// INVALID_ARGUMENT when a class has no clip that is not abstained from.
absl::StatusOr<BiasReport> MakeBiasReport(const CalibrationRows& rows,
                                          const SpecialistCalibration& calibration,
                                          const BootstrapOptions& options);

nlohmann::json ToJson(const BiasReport& report);

}  // namespace interceptor::worker
