// How the specialists' log-likelihood ratios are weighed, for every subset of specialists that may speak on a clip. Pure.
// docs/evaluation.md, "Fusion".
#pragma once

#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"
#include "common/stats/logistic.h"

namespace interceptor::worker {

// Bit i: the i-th specialist.
using Subset = uint32_t;

struct RatioClip {
  uint32_t family = 0;
  bool fake = false;
  Subset present = 0;
  std::vector<double> ratios;  // of each specialist; 0 where it does not speak
};

struct SubsetWeights {
  // Of the plain sum of the ratios, over all clips and subsets: one weight.
  LogisticFit common;
  // Subset s stands at s - 1, with a weight for each specialist, 0 for those outside the subset.
  std::vector<LogisticFit> subsets;

  const LogisticFit& Of(Subset subset) const { return subsets[subset - 1]; }
  // bias + sum of weights x ratios, as the subset weighs them. REQUIRES: subset > 0.
  double Weighed(Subset subset, const std::vector<double>& ratios) const;
};

// The weight and bias of the plain sum of ratios that all subsets are drawn to. Each clip counts for every subset of the
// specialists that speak on it. INVALID_ARGUMENT when no specialist speaks on a clip of either class.
absl::StatusOr<LogisticFit> FitCommon(const std::vector<RatioClip>& clips, size_t specialists);

// A clip counts for every subset of the specialists that speak on it, as if the others had been dropped: all that random
// dropping could draw, each once. A subset has a slope and a bias, drawn to the common ones, and weights drawn to that
// slope, each as strongly as if `pull` families said so. One of which a class has no clip takes the common fit as it is.
absl::StatusOr<SubsetWeights> FitSubsets(const std::vector<RatioClip>& clips, size_t specialists,
                                         const LogisticFit& common, double pull);

// Equal weights of one altogether, unfitted.
SubsetWeights MeanOfSubsets(size_t specialists);

}  // namespace interceptor::worker
