#include "common/stats/bootstrap.h"

#include <algorithm>
#include <array>
#include <map>
#include <string_view>

#include "common/base/random.h"
#include "common/base/status.h"
#include "common/stats/ranking.h"

namespace interceptor {
namespace {

struct Families {
  std::vector<uint32_t> of_clip;                // family index of each clip
  std::array<std::vector<uint32_t>, 3> strata;  // family indexes: reals only, fakes only, both
  uint32_t count = 0;
};

// Families are numbered in the order of their names.
Families GroupFamilies(const std::vector<ClipMember>& clips) {
  struct Held {
    uint32_t index = 0;
    bool fake = false;
    bool real = false;
  };
  std::map<std::string_view, Held> held;
  for (const ClipMember& clip : clips) {
    Held& family = held[clip.family];
    (clip.fake ? family.fake : family.real) = true;
  }
  Families families;
  for (auto& [name, family] : held) {
    family.index = families.count++;
    const size_t stratum = family.fake && family.real ? 2 : family.fake ? 1 : 0;
    families.strata[stratum].push_back(family.index);
  }
  families.of_clip.reserve(clips.size());
  for (const ClipMember& clip : clips) families.of_clip.push_back(held[clip.family].index);
  return families;
}

// How often each family is drawn in a replicate.
void DrawFamilies(const Families& families, RandomKey key, uint64_t replicate,
                  std::vector<int32_t>& times_drawn) {
  std::fill(times_drawn.begin(), times_drawn.end(), 0);
  uint64_t counter = replicate * families.count;
  for (const std::vector<uint32_t>& stratum : families.strata) {
    for (size_t i = 0; i < stratum.size(); ++i) {
      times_drawn[stratum[RandomIndex(key, counter++, stratum.size())]] += 1;
    }
  }
}

double Quantile(const std::vector<double>& sorted, double share) {
  const double place = share * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<size_t>(place);
  const size_t above = std::min(below + 1, sorted.size() - 1);
  return sorted[below] + (place - static_cast<double>(below)) * (sorted[above] - sorted[below]);
}

// Two-sided, of 0.
double PValue(const std::vector<double>& values) {
  size_t not_above = 1;
  size_t not_below = 1;
  for (const double value : values) {
    not_above += value <= 0 ? 1 : 0;
    not_below += value >= 0 ? 1 : 0;
  }
  return std::min(1.0, 2.0 * static_cast<double>(std::min(not_above, not_below)) /
                           static_cast<double>(values.size() + 1));
}

void Judge(std::vector<double>& values, double coverage, Interval& interval) {
  std::sort(values.begin(), values.end());
  interval.low = Quantile(values, (1 - coverage) / 2);
  interval.high = Quantile(values, (1 + coverage) / 2);
  interval.p_value = PValue(values);
}

absl::StatusOr<Interval> CountFamilies(const Families& families) {
  const auto both = static_cast<int64_t>(families.strata[2].size());
  Interval interval;
  interval.real_families = static_cast<int64_t>(families.strata[0].size()) + both;
  interval.fake_families = static_cast<int64_t>(families.strata[1].size()) + both;
  if (interval.real_families == 0 || interval.fake_families == 0) {
    return InvalidArgument("both classes are needed, but ", interval.fake_families,
                           " families hold fakes and ", interval.real_families, " hold reals");
  }
  interval.too_few = std::min(interval.real_families, interval.fake_families) < kFamiliesPerClassMin;
  return interval;
}

}  // namespace

absl::StatusOr<std::vector<Interval>> FamilyIntervals(const std::vector<ClipMember>& clips,
                                                      const WeightedMeasures& measures,
                                                      const BootstrapOptions& options) {
  if (options.replicates < 1) return InvalidArgument("replicates is ", options.replicates, "; at least 1");
  if (!(options.coverage > 0 && options.coverage < 1)) {
    return InvalidArgument("coverage is ", options.coverage, "; it lies between 0 and 1");
  }
  const Families families = GroupFamilies(clips);
  ICPT_ASSIGN_OR_RETURN(const Interval counted, CountFamilies(families));

  std::vector<int32_t> weights(clips.size(), 1);
  ICPT_ASSIGN_OR_RETURN(const std::vector<double> estimates, measures(weights));
  std::vector<Interval> intervals(estimates.size(), counted);
  for (size_t m = 0; m < estimates.size(); ++m) intervals[m].estimate = estimates[m];
  const RandomKey key = MakeRandomKey(options.seed, "family bootstrap");
  std::vector<int32_t> times_drawn(families.count);
  std::vector<std::vector<double>> values(estimates.size());
  for (int replicate = 0; replicate < options.replicates; ++replicate) {
    DrawFamilies(families, key, static_cast<uint64_t>(replicate), times_drawn);
    for (size_t i = 0; i < weights.size(); ++i) weights[i] = times_drawn[families.of_clip[i]];
    ICPT_ASSIGN_OR_RETURN(const std::vector<double> measured, measures(weights));
    for (size_t m = 0; m < values.size(); ++m) values[m].push_back(measured[m]);
  }
  for (size_t m = 0; m < values.size(); ++m) Judge(values[m], options.coverage, intervals[m]);
  return intervals;
}

absl::StatusOr<Interval> FamilyInterval(const std::vector<ClipMember>& clips, const WeightedMeasure& measure,
                                        const BootstrapOptions& options) {
  const auto alone = [&](const std::vector<int32_t>& weights) -> absl::StatusOr<std::vector<double>> {
    ICPT_ASSIGN_OR_RETURN(const double value, measure(weights));
    return std::vector<double>{value};
  };
  ICPT_ASSIGN_OR_RETURN(const std::vector<Interval> intervals, FamilyIntervals(clips, alone, options));
  return intervals.front();
}

absl::StatusOr<Interval> BalancedMeanInterval(const std::vector<ClipMember>& clips,
                                              const std::vector<double>& values,
                                              const BootstrapOptions& options) {
  if (values.size() != clips.size()) {
    return InvalidArgument(values.size(), " values were given for ", clips.size(), " clips");
  }
  const auto balanced_mean = [&](const std::vector<int32_t>& weights) -> absl::StatusOr<double> {
    double sums[2] = {0, 0};
    double counts[2] = {0, 0};
    for (size_t i = 0; i < clips.size(); ++i) {
      sums[clips[i].fake] += weights[i] * values[i];
      counts[clips[i].fake] += weights[i];
    }
    return (sums[0] / counts[0] + sums[1] / counts[1]) / 2;
  };
  return FamilyInterval(clips, balanced_mean, options);
}

absl::StatusOr<Interval> AucInterval(const std::vector<ClipScore>& clips, const BootstrapOptions& options) {
  std::vector<ScoredLabel> scores;
  std::vector<ClipMember> members;
  for (const ClipScore& clip : clips) {
    scores.push_back({.score = clip.logit, .fake = clip.fake});
    members.push_back({.family = clip.family, .fake = clip.fake});
  }
  ICPT_ASSIGN_OR_RETURN(const ScoreOrder order, ScoreOrder::Create(scores));
  return FamilyInterval(
      members, [&](const std::vector<int32_t>& weights) { return order.Auc(weights); }, options);
}

}  // namespace interceptor
