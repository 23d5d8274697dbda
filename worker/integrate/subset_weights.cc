#include "worker/integrate/subset_weights.h"

#include <array>
#include <bit>
#include <set>
#include <utility>

#include "common/base/status.h"

namespace interceptor::worker {
namespace {

// The ratios of the subset's specialists.
std::vector<double> Chosen(Subset subset, const std::vector<double>& ratios) {
  std::vector<double> chosen;
  for (size_t i = 0; i < ratios.size(); ++i) {
    if (subset >> i & 1) chosen.push_back(ratios[i]);
  }
  return chosen;
}

double Sum(const std::vector<double>& values) {
  double sum = 0;
  for (const double value : values) sum += value;
  return sum;
}

// The same weight for each specialist of the subset.
LogisticFit Equal(Subset subset, double weight, double bias, size_t specialists) {
  LogisticFit fit{.weights = std::vector<double>(specialists, 0), .bias = bias};
  for (size_t i = 0; i < specialists; ++i) {
    if (subset >> i & 1) fit.weights[i] = weight;
  }
  return fit;
}

}  // namespace

absl::StatusOr<LogisticFit> FitCommon(const std::vector<RatioClip>& clips, size_t specialists) {
  const Subset all = (Subset{1} << specialists) - 1;
  std::vector<LabelledScores> sums;
  for (const RatioClip& clip : clips) {
    for (Subset subset = 1; subset <= all; ++subset) {
      if ((subset & ~clip.present) == 0) sums.push_back({{Sum(Chosen(subset, clip.ratios))}, clip.fake});
    }
  }
  return FitLogistic(sums, 0);
}

namespace {

absl::StatusOr<LogisticFit> FitSubset(const std::vector<RatioClip>& clips, Subset subset,
                                      const LogisticFit& common, double pull, size_t specialists) {
  std::vector<LabelledScores> ratios;
  std::vector<LabelledScores> sums;
  std::array<std::set<uint32_t>, 2> families;
  for (const RatioClip& clip : clips) {
    if ((subset & ~clip.present) != 0) continue;
    ratios.push_back({Chosen(subset, clip.ratios), clip.fake});
    sums.push_back({{Sum(ratios.back().scores)}, clip.fake});
    families[clip.fake].insert(clip.family);
  }
  LogisticFit fit = Equal(subset, common.weights[0], common.bias, specialists);
  if (families[false].empty() || families[true].empty()) return fit;
  const double strength = pull / static_cast<double>(families[false].size() + families[true].size());
  ICPT_ASSIGN_OR_RETURN(LogisticFit own, FitLogisticTowards(common, sums, strength));
  if (std::popcount(subset) > 1) {
    own.weights.assign(static_cast<size_t>(std::popcount(subset)), own.weights[0]);
    ICPT_ASSIGN_OR_RETURN(own, FitLogisticTowards(LogisticFit(own), ratios, strength));
  }
  fit.bias = own.bias;
  size_t next = 0;
  for (size_t i = 0; i < specialists; ++i) {
    if (subset >> i & 1) fit.weights[i] = own.weights[next++];
  }
  return fit;
}

}  // namespace

double SubsetWeights::Weighed(Subset subset, const std::vector<double>& ratios) const {
  const LogisticFit& fit = Of(subset);
  double sum = fit.bias;
  for (size_t i = 0; i < ratios.size(); ++i) sum += fit.weights[i] * ratios[i];
  return sum;
}

absl::StatusOr<SubsetWeights> FitSubsets(const std::vector<RatioClip>& clips, size_t specialists,
                                         const LogisticFit& common, double pull) {
  const Subset all = (Subset{1} << specialists) - 1;
  SubsetWeights weights{.common = common, .subsets = {}};
  for (Subset subset = 1; subset <= all; ++subset) {
    ICPT_ASSIGN_OR_RETURN(LogisticFit fit, FitSubset(clips, subset, weights.common, pull, specialists));
    weights.subsets.push_back(std::move(fit));
  }
  return weights;
}

SubsetWeights MeanOfSubsets(size_t specialists) {
  SubsetWeights weights{.common = {.weights = {1}, .bias = 0}, .subsets = {}};
  for (Subset subset = 1; subset < Subset{1} << specialists; ++subset) {
    weights.subsets.push_back(Equal(subset, 1.0 / std::popcount(subset), 0, specialists));
  }
  return weights;
}

}  // namespace interceptor::worker
