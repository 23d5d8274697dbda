#include "worker/integrate/fusion_proof.h"

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

// AUC of the second subset - AUC of the first.
absl::StatusOr<Interval> Difference(const Fusion& fusion, Subset first, Subset second,
                                    const std::vector<ProofClip>& clips, const BootstrapOptions& options) {
  std::vector<ClipMember> members;
  std::vector<ScoredLabel> before;
  std::vector<ScoredLabel> after;
  for (const ProofClip& clip : clips) {
    members.push_back(clip.member);
    before.push_back({RatioOf(fusion, first, clip), clip.member.fake});
    after.push_back({RatioOf(fusion, second, clip), clip.member.fake});
  }
  ICPT_ASSIGN_OR_RETURN(const ScoreOrder before_order, ScoreOrder::Create(before));
  ICPT_ASSIGN_OR_RETURN(const ScoreOrder after_order, ScoreOrder::Create(after));
  const auto difference = [&](const std::vector<int32_t>& weights) -> absl::StatusOr<double> {
    ICPT_ASSIGN_OR_RETURN(const double less, before_order.Auc(weights));
    ICPT_ASSIGN_OR_RETURN(const double more, after_order.Auc(weights));
    return more - less;
  };
  return FamilyInterval(members, difference, options);
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
  std::vector<SpecialistProof> proof;
  for (size_t i = 0; i < count; ++i) {
    const Subset own = Subset{1} << i;
    std::vector<ProofClip> spoken;
    for (const ProofClip& clip : clips) {
      if (clip.ratios[i]) spoken.push_back(clip);
    }
    SpecialistProof line{.specialist = fusion.specialists[i].specialist,
                         .clips = std::ssize(spoken),
                         .added = {},
                         .added_where_it_speaks = {},
                         .lost_without_it = {}};
    if (own != bg) {
      ICPT_ASSIGN_OR_RETURN(line.added, Difference(fusion, bg, bg | own, clips, options));
      if (HasBothClasses(spoken)) {
        ICPT_ASSIGN_OR_RETURN(line.added_where_it_speaks, Difference(fusion, bg, bg | own, spoken, options));
      }
    }
    ICPT_ASSIGN_OR_RETURN(line.lost_without_it, Difference(fusion, all & ~own, all, clips, options));
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
