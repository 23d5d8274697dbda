// Intervals for held-out measures. The clips of one family (an original and every fake made from it) are
// alike, so the family is what is drawn, never the clip: an interval over clips would be too narrow.
//
// One replicate: families are split into strata by the classes they hold (reals only, fakes only, both); from
// each stratum as many families are drawn, with replacement, as it has; a family drawn k times counts each of
// its clips k times. So a fake and its original stay together, and every replicate has both classes. The
// interval runs between the (1 - coverage) / 2 and (1 + coverage) / 2 quantiles of the replicates, linear
// between order statistics (type 7 of Hyndman, Fan, "Sample quantiles in statistical packages", 1996).
// Sources: percentile interval, Efron, Tibshirani, "An introduction to the bootstrap", 1993, chapter 13;
// whole clusters drawn, Field, Welsh, "Bootstrapping clustered data", J. R. Stat. Soc. B 69, 2007.
//
// Draws depend on the seed and the sorted family names alone, not on the order of clips, so two measures
// over the same families and seed see the same replicates. Pure.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace interceptor {

// What a replicate needs to know of a clip.
struct ClipMember {
  std::string family;
  bool fake = false;
};

struct ClipScore {
  std::string family;
  bool fake = false;
  double logit = 0;
};

struct BootstrapOptions {
  uint64_t seed = 0;
  int replicates = 2000;
  double coverage = 0.95;
};

inline constexpr int64_t kFamiliesPerClassMin = 30;

struct Interval {
  double estimate = 0;  // the measure of the clips themselves
  double low = 0;
  double high = 0;
  int64_t fake_families = 0;  // families with at least one fake
  int64_t real_families = 0;
  // Either number is under kFamiliesPerClassMin: the interval is not to be relied on, and is printed as
  // 'too few'.
  bool too_few = false;
  // Of 0 being the truth, two-sided: for differences and gaps. Twice the share of replicates on the rarer side of
  // 0, the estimate counted as one of them (Davison, Hinkley, "Bootstrap methods and their application", 1997,
  // section 4.2), so at least 2 / (replicates + 1).
  double p_value = 1;
};

// A measure of clips where clip i counts weights[i] times; called once with ones, then once per replicate.
using WeightedMeasure = std::function<absl::StatusOr<double>(const std::vector<int32_t>& weights)>;

// Several measures of the same clips, always as many.
using WeightedMeasures =
    std::function<absl::StatusOr<std::vector<double>>(const std::vector<int32_t>& weights)>;

// The first error of the measure ends the work and is returned. INVALID_ARGUMENT when a class has no clip or
// an option is out of range.
absl::StatusOr<Interval> FamilyInterval(const std::vector<ClipMember>& clips, const WeightedMeasure& measure,
                                        const BootstrapOptions& options);

// Of the class-balanced mean of `values`, one for each clip: the mean over fakes and that over reals, halved.
absl::StatusOr<Interval> BalancedMeanInterval(const std::vector<ClipMember>& clips,
                                              const std::vector<double>& values,
                                              const BootstrapOptions& options);

// An interval for each of several measures, all from the same replicates.
absl::StatusOr<std::vector<Interval>> FamilyIntervals(const std::vector<ClipMember>& clips,
                                                      const WeightedMeasures& measures,
                                                      const BootstrapOptions& options);

// Of the AUC over all clips; O(n log n + replicates x n).
absl::StatusOr<Interval> AucInterval(const std::vector<ClipScore>& clips, const BootstrapOptions& options);

}  // namespace interceptor
