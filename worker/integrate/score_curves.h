// What is drawn of a detector's ratios: ROC curve, reliability diagram, histogram. Pure.
#pragma once

#include <cstdint>
#include <vector>

#include <nlohmann/json.hpp>

#include "absl/status/statusor.h"
#include "common/stats/bootstrap.h"
#include "common/stats/calibration.h"
#include "common/stats/ranking.h"

namespace interceptor::worker {

// Of log10 of the likelihood ratio: bins of equal width, the outermost two open. Fixed, so that rounds can be compared.
inline constexpr double kHistogramLimit = 3;
inline constexpr int kHistogramBins = 24;

struct HistogramBin {
  int64_t fakes = 0;
  int64_t reals = 0;
};

struct ScoreCurves {
  // First and last point, and between them each that lies kRocStep from the one before on an axis.
  std::vector<RocPoint> roc;
  std::vector<ReliabilityBin> reliability;  // kCalibrationBins
  std::vector<HistogramBin> histogram;      // kHistogramBins
};

inline constexpr double kRocStep = 0.004;

// Of log-likelihood ratios in nats. INVALID_ARGUMENT when a class has no clip or a ratio is not a number.
absl::StatusOr<ScoreCurves> MakeScoreCurves(const std::vector<ClipScore>& clips);

nlohmann::json ToJson(const ScoreCurves& curves);

}  // namespace interceptor::worker
