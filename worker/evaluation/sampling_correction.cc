#include "worker/evaluation/sampling_correction.h"

#include <algorithm>

#include "worker/evaluation/slices.h"

namespace interceptor::worker {
namespace {

// Share of positions for a gap of 1.
constexpr double kGain = 1;
// A weight below this shows less than one clip in a batch of 64.
constexpr double kShareMin = 0.02;

bool IsClipAttribute(const SliceBias& slice) {
  const auto attributes = SlicedAttributes();
  return std::ranges::find(attributes, slice.attribute, &SlicedAttribute::name) != attributes.end();
}

double ShareOf(const std::vector<SamplingWeight>& weights, const SliceBias& slice, bool fake) {
  const auto at = std::ranges::find_if(weights, [&](const SamplingWeight& weight) {
    return weight.attribute == slice.attribute && weight.slice == slice.slice && weight.fake == fake;
  });
  return at == weights.end() ? 0 : at->share;
}

// How much more often a class's clips are mistaken in the slice; 0 when that cannot be told from no difference.
double GapOf(const SliceBias& slice, bool fake) {
  const Gap& gap = fake ? slice.false_negative : slice.false_positive;
  const double p = fake ? slice.false_negative_p : slice.false_positive_p;
  return gap.too_few || p > kFalseDiscoveryRate ? 0 : gap.estimate;
}

struct Mistaken {
  const SliceBias* slice = nullptr;
  bool fake = false;
  double gap = 0;
};

// The slice and class that are mistaken most; none when nothing is worse than elsewhere.
Mistaken Worst(const std::vector<SliceBias>& slices) {
  Mistaken worst;
  for (const SliceBias& slice : slices) {
    if (!IsClipAttribute(slice)) continue;
    for (const bool fake : {false, true}) {
      const double gap = GapOf(slice, fake);
      if (gap > worst.gap) worst = {.slice = &slice, .fake = fake, .gap = gap};
    }
  }
  return worst;
}

}  // namespace

std::vector<SamplingWeight> NextSampling(const BiasReport& report, const std::vector<SamplingWeight>& now) {
  std::vector<SamplingWeight> next;
  double total = 0;
  const Mistaken worst = Worst(report.slices);
  for (const SliceBias& slice : report.slices) {
    for (const bool fake : {false, true}) {
      const double gap = GapOf(slice, fake);
      double share = ShareOf(now, slice, fake);
      if (gap < 0 || (&slice == worst.slice && fake == worst.fake)) share += kGain * gap;
      share = std::min(share, kCorrectedShareMax);
      if (share < kShareMin) continue;
      next.push_back({.attribute = slice.attribute, .slice = slice.slice, .fake = fake, .share = share});
      total += share;
    }
  }
  if (total <= kCorrectedShareMax) return next;
  for (SamplingWeight& weight : next) weight.share *= kCorrectedShareMax / total;
  return next;
}

}  // namespace interceptor::worker
