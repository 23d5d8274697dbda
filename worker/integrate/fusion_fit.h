// Fits the fusion of the specialists, on calibration rows alone. Pure. docs/evaluation.md, "Fusion".
#pragma once

#include <map>

#include "absl/status/statusor.h"
#include "common/stats/bootstrap.h"
#include "worker/evaluation/calibration_rows.h"
#include "worker/integrate/fusion.h"

namespace interceptor::worker {

// Deterministic; `options` is of the interval by which a collapsed specialist is known, and its seed of the folds too. A
// specialist is left out, with the reason, under kFamiliesPerClassMin calibration families of a class, or when its AUC on
// folds that it was not calibrated on may be .5: the pull to equal weights would give it its share.
//
// INVALID_ARGUMENT when tables do not fit together (JoinRows, CalibrateSpecialist) or there is none; FAILED_PRECONDITION
// when every specialist is left out, with the reasons.
absl::StatusOr<Fusion> FitFusion(const std::map<SpecialistName, CalibrationRows>& rows,
                                 const BootstrapOptions& options);

}  // namespace interceptor::worker
