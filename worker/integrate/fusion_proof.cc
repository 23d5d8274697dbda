#include "worker/integrate/fusion_proof.h"

#include <map>
#include <string>
#include <utility>

#include "common/base/status.h"
#include "common/stats/ranking.h"

namespace interceptor::worker {
namespace {

struct ProofClip {
  ClipMember member;
  std::vector<std::optional<double>> ratios;
};

// As if the specialists outside `subset` had not spoken.
double RatioOf(const Fusion& fusion, Subset subset, const ProofClip& clip) {
  std::vector<std::optional<double>> ratios = clip.ratios;
  for (size_t i = 0; i < ratios.size(); ++i) {
    if ((subset >> i & 1) == 0) ratios[i].reset();
  }
  return fusion.LogRatio(ratios);
}

// The AUC of `second` is compared with that of `first`.
struct Comparison {
  Subset first = 0;
  Subset second = 0;
};

// AUC of the second subset - AUC of the first, for each comparison, over the same replicates.
absl::StatusOr<std::vector<Interval>> Differences(const Fusion& fusion,
                                                  const std::vector<Comparison>& comparisons,
                                                  const std::vector<ProofClip>& clips,
                                                  const BootstrapOptions& options) {
  std::vector<ClipMember> members;
  for (const ProofClip& clip : clips) members.push_back(clip.member);
  std::map<Subset, ScoreOrder> orders;
  for (const auto& [first, second] : comparisons) {
    for (const Subset subset : {first, second}) {
      if (orders.contains(subset)) continue;
      std::vector<ScoredLabel> scores;
      for (const ProofClip& clip : clips) scores.push_back({RatioOf(fusion, subset, clip), clip.member.fake});
      ICPT_ASSIGN_OR_RETURN(ScoreOrder order, ScoreOrder::Create(scores));
      orders.emplace(subset, std::move(order));
    }
  }
  const auto differences = [&](const std::vector<int32_t>& weights) -> absl::StatusOr<std::vector<double>> {
    std::map<Subset, double> aucs;
    for (const auto& [subset, order] : orders) {
      ICPT_ASSIGN_OR_RETURN(aucs[subset], order.Auc(weights));
    }
    std::vector<double> values;
    for (const auto& [first, second] : comparisons) values.push_back(aucs[second] - aucs[first]);
    return values;
  };
  return FamilyIntervals(members, differences, options);
}

absl::StatusOr<std::vector<ProofClip>> ClipsOf(const Fusion& fusion, const SpecialistRows& reported) {
  SpecialistRows tables;
  for (const FusedSpecialist& each : fusion.specialists) {
    const auto rows = reported.find(each.specialist);
    tables[each.specialist] = rows == reported.end() ? std::span<const ScoreRow>() : rows->second;
  }
  ICPT_ASSIGN_OR_RETURN(const std::vector<JoinedClip> joined, JoinRows(tables));
  std::vector<ProofClip> clips;
  for (const JoinedClip& clip : joined) {
    clips.push_back({.member = {clip.clip->family, clip.clip->label == Label::kFake},
                     .ratios = fusion.Ratios(clip.rows)});
  }
  return clips;
}

bool HasBothClasses(const std::vector<ProofClip>& clips) {
  bool classes[2] = {};
  for (const ProofClip& clip : clips) classes[clip.member.fake] = true;
  return classes[false] && classes[true];
}

nlohmann::json IntervalJson(const Interval& interval) {
  return {{"value", interval.estimate},
          {"interval", {interval.low, interval.high}},
          {"too_few", interval.too_few}};
}

}  // namespace

absl::StatusOr<std::vector<SpecialistProof>> ProveFusion(const Fusion& fusion, const SpecialistRows& reported,
                                                         const BootstrapOptions& options) {
  ICPT_ASSIGN_OR_RETURN(const std::vector<ProofClip> clips, ClipsOf(fusion, reported));
  const size_t count = fusion.specialists.size();
  const Subset all = (Subset{1} << count) - 1;
  const Subset bg = fusion.specialists.front().specialist == SpecialistName::kBG ? 1 : 0;
  std::vector<Comparison> comparisons;
  for (size_t i = 0; i < count; ++i) {
    const Subset own = Subset{1} << i;
    comparisons.push_back({bg, bg | own});
    comparisons.push_back({all & ~own, all});
  }
  ICPT_ASSIGN_OR_RETURN(const std::vector<Interval> differences,
                        Differences(fusion, comparisons, clips, options));
  std::vector<SpecialistProof> proof;
  for (size_t i = 0; i < count; ++i) {
    std::vector<ProofClip> spoken;
    for (const ProofClip& clip : clips) {
      if (clip.ratios[i]) spoken.push_back(clip);
    }
    SpecialistProof line{.specialist = fusion.specialists[i].specialist,
                         .clips = std::ssize(spoken),
                         .added = {},
                         .added_where_it_speaks = {},
                         .lost_without_it = differences[2 * i + 1]};
    if (comparisons[2 * i].second != bg) {
      line.added = differences[2 * i];
      if (spoken.size() == clips.size()) {
        line.added_where_it_speaks = line.added;
      } else if (HasBothClasses(spoken)) {
        ICPT_ASSIGN_OR_RETURN(const std::vector<Interval> there,
                              Differences(fusion, {comparisons[2 * i]}, spoken, options));
        line.added_where_it_speaks = there[0];
      }
    }
    proof.push_back(std::move(line));
  }
  return proof;
}

nlohmann::json ToJson(const std::vector<SpecialistProof>& proof) {
  nlohmann::json lines = nlohmann::json::array();
  for (const SpecialistProof& each : proof) {
    nlohmann::json line = {{"specialist", std::string(ToString(each.specialist))},
                           {"clips", each.clips},
                           {"lost_without_it", IntervalJson(each.lost_without_it)}};
    if (each.added) line["added"] = IntervalJson(*each.added);
    if (each.added_where_it_speaks) line["added_where_it_speaks"] = IntervalJson(*each.added_where_it_speaks);
    lines.push_back(std::move(line));
  }
  return lines;
}

}  // namespace interceptor::worker
