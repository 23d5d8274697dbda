// Where a specialist treats real and fake clips, or one kind of clip and another, differently: gaps by slice, and
// predictions that have collapsed. From calibration rows alone. Pure. docs/evaluation.md, "Bias".
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "absl/status/statusor.h"
#include "common/stats/bootstrap.h"
#include "worker/integrate/calibration_rows.h"
#include "worker/integrate/specialist_calibration.h"

namespace interceptor::worker {

// A difference of two shares. Without a value: too few families (kFamiliesPerClassMin) on one side of it.
using Gap = std::optional<Interval>;

// Clips of one range of an attribute, or of one chunk. A clip without the attribute is in no slice of it.
struct SliceBias {
  std::string attribute;  // "brightness", ..., "chunk"
  std::string slice;      // "dark", ..., "00"
  int64_t reals = 0;
  int64_t fakes = 0;
  int64_t real_families = 0;
  int64_t fake_families = 0;
  Gap real_fake;       // accuracy on the slice's reals - on its fakes
  Gap false_positive;  // share of reals called fake: in the slice - in the attribute's other slices
  Gap false_negative;  // share of fakes called real, likewise
  // The p-values of the last two, adjusted over all slices; in alarm is a slice that is worse than the others.
  double false_positive_p = 1;
  double false_negative_p = 1;
  bool alarm = false;
};

struct BiasReport {
  bool calibrated = false;
  int64_t reals = 0;
  int64_t fakes = 0;
  int64_t abstained = 0;          // left out of all that follows
  bool too_few = false;           // families of a class, for `real_fake` to be relied on
  Interval real_fake;             // accuracy on reals - on fakes
  double spread = 0;              // between the 5 % and 95 % quantiles of P(fake)
  double called_fake = 0;         // class-balanced share
  bool collapsed = false;         // the spread is under .02
  bool one_class = false;         // at least .98 are called one class
  std::vector<SliceBias> slices;  // every one that holds a clip, by attribute and range
};

inline constexpr double kSpreadMin = 0.02;
inline constexpr double kOneClassShare = 0.98;
inline constexpr double kFalseDiscoveryRate = 0.05;

// Of the ratios that `calibration` makes of the rows, called fake at >= 0: SpecialistCalibration{} shows the raw logits.
// INVALID_ARGUMENT when a class has no clip that is not abstained from.
absl::StatusOr<BiasReport> MakeBiasReport(const CalibrationRows& rows,
                                          const SpecialistCalibration& calibration,
                                          const BootstrapOptions& options);

nlohmann::json ToJson(const BiasReport& report);

}  // namespace interceptor::worker
