#include "worker/integrate/fusion_fit.h"

#include <algorithm>
#include <array>
#include <limits>
#include <optional>
#include <set>
#include <string_view>
#include <utility>

#include "absl/strings/str_format.h"
#include "common/base/random.h"
#include "common/base/status.h"
#include "common/stats/calibration.h"
#include "worker/integrate/fusion_rows.h"

namespace interceptor::worker {
namespace {

constexpr int kFolds = 5;
// Families by which weights are drawn to equal ones.
constexpr std::array<double, 4> kPulls = {1, 10, 100, 1000};

struct FamilyPlace {
  uint32_t number = 0;
  int fold = 0;
};
using Families = std::map<std::string_view, FamilyPlace>;

// Families of reals alone, of fakes alone and of both are dealt out to the folds apart.
Families DealFamilies(const std::map<SpecialistName, CalibrationRows>& tables, uint64_t seed) {
  std::map<std::string_view, uint32_t> classes;
  for (const auto& [specialist, rows] : tables) {
    for (const ScoreRow& row : rows.rows())
      classes[row.clip.family] |= row.clip.label == Label::kFake ? 2 : 1;
  }
  std::array<std::vector<std::string_view>, 3> strata;
  for (const auto& [family, held] : classes) strata[held - 1].push_back(family);
  Families families;
  uint32_t number = 0;
  for (size_t stratum = 0; stratum < strata.size(); ++stratum) {
    const RandomKey key = MakeRandomKey(seed, "fusion folds", {stratum});
    for (const uint32_t place : RandomPermutation(key, static_cast<uint32_t>(strata[stratum].size()))) {
      families[strata[stratum][place]] = {.number = number, .fold = static_cast<int>(number % kFolds)};
      ++number;
    }
  }
  return families;
}

// A specialist's calibration, and one for each fold that was fitted on the others.
struct Calibrations {
  SpecialistCalibration all;
  std::vector<SpecialistCalibration> without_fold;
};

absl::StatusOr<Calibrations> Calibrate(const CalibrationRows& rows, const Families& families) {
  Calibrations calibrations;
  ICPT_ASSIGN_OR_RETURN(calibrations.all, CalibrateSpecialist(rows));
  for (int fold = 0; fold < kFolds; ++fold) {
    const auto is_elsewhere = [&](const ScoreRow& row) { return families.at(row.clip.family).fold != fold; };
    ICPT_ASSIGN_OR_RETURN(SpecialistCalibration without,
                          CalibrateFold(rows.Only(is_elsewhere), calibrations.all.pooling));
    calibrations.without_fold.push_back(std::move(without));
  }
  return calibrations;
}

// Nothing when it may be fused.
absl::StatusOr<std::optional<std::string>> ReasonToLeaveOut(const CalibrationRows& rows,
                                                            const Calibrations& calibrations,
                                                            const Families& families,
                                                            const BootstrapOptions& options) {
  const auto is_calibrated = [](const SpecialistCalibration& each) { return each.calibrated; };
  if (!calibrations.all.calibrated ||
      !std::all_of(calibrations.without_fold.begin(), calibrations.without_fold.end(), is_calibrated)) {
    return Cat("too few calibration families: ", calibrations.all.real_families, " with reals and ",
               calibrations.all.fake_families, " with fakes; ", kFamiliesPerClassMin, " of each are needed");
  }
  std::vector<ClipScore> clips;
  for (const ScoreRow& row : rows.rows()) {
    if (row.abstained) continue;
    const auto fold = static_cast<size_t>(families.at(row.clip.family).fold);
    clips.push_back(
        {row.clip.family, row.clip.label == Label::kFake, calibrations.without_fold[fold].LogRatio(row)});
  }
  ICPT_ASSIGN_OR_RETURN(const Interval auc, AucInterval(clips, options));
  if (auc.low > 0.5) return std::nullopt;
  return absl::StrFormat("collapsed: its AUC on calibration families may be .5 (%.3f [%.3f, %.3f])",
                         auc.estimate, auc.low, auc.high);
}

// The clips that a specialist speaks on, by the calibrations that `of` picks, and the fold of each.
struct Ratios {
  std::vector<RatioClip> clips;
  std::vector<int> folds;
};

template <typename Of>
Ratios RatiosBy(const std::vector<JoinedClip>& joined, const Families& families,
                const std::vector<Calibrations>& calibrations, const Of& of) {
  Ratios ratios;
  for (const JoinedClip& clip : joined) {
    const FamilyPlace& family = families.at(clip.clip->family);
    RatioClip made{.family = family.number,
                   .fake = clip.clip->label == Label::kFake,
                   .present = 0,
                   .ratios = std::vector<double>(calibrations.size(), 0)};
    for (size_t i = 0; i < calibrations.size(); ++i) {
      if (clip.rows[i] == nullptr) continue;
      made.present |= Subset{1} << i;
      made.ratios[i] = of(calibrations[i]).LogRatio(*clip.rows[i]);
    }
    if (made.present == 0) continue;
    ratios.clips.push_back(std::move(made));
    ratios.folds.push_back(family.fold);
  }
  return ratios;
}

// One fold's clips, and the others' with what all of their subsets are drawn to.
struct FoldFit {
  std::vector<RatioClip> own;
  std::vector<RatioClip> others;
  LogisticFit common;
};

absl::StatusOr<std::vector<FoldFit>> SplitFolds(const std::vector<JoinedClip>& joined,
                                                const Families& families,
                                                const std::vector<Calibrations>& calibrations) {
  std::vector<FoldFit> folds(kFolds);
  for (size_t fold = 0; fold < folds.size(); ++fold) {
    Ratios ratios = RatiosBy(
        joined, families, calibrations,
        [&](const Calibrations& each) -> const SpecialistCalibration& { return each.without_fold[fold]; });
    for (size_t i = 0; i < ratios.clips.size(); ++i) {
      const bool is_own = ratios.folds[i] == static_cast<int>(fold);
      (is_own ? folds[fold].own : folds[fold].others).push_back(std::move(ratios.clips[i]));
    }
    ICPT_ASSIGN_OR_RETURN(folds[fold].common, FitCommon(folds[fold].others, calibrations.size()));
  }
  return folds;
}

// What weights that have not seen a clip's family make of it.
struct Weighed {
  std::vector<ScoredLabel> of_subsets;  // of every clip by every subset of those that speak on it
  std::vector<ScoredLabel> of_clips;    // of every clip by all that speak on it
  std::vector<Subset> present;          // who they are, clip by clip
};

// By weights of this pull, each clip by what was fitted on the other folds.
absl::StatusOr<Weighed> CrossValidate(const std::vector<FoldFit>& folds, size_t specialists, double pull) {
  Weighed weighed;
  for (const FoldFit& fold : folds) {
    ICPT_ASSIGN_OR_RETURN(const SubsetWeights weights,
                          FitSubsets(fold.others, specialists, fold.common, pull));
    for (const RatioClip& clip : fold.own) {
      for (Subset subset = 1; subset <= clip.present; ++subset) {
        if ((subset & ~clip.present) != 0) continue;
        weighed.of_subsets.push_back({weights.Weighed(subset, clip.ratios), clip.fake});
      }
      weighed.of_clips.push_back(weighed.of_subsets.back());
      weighed.present.push_back(clip.present);
    }
  }
  return weighed;
}

// Of equally good pulls the strongest.
absl::Status Stack(const std::vector<JoinedClip>& joined, const Families& families,
                   const std::vector<Calibrations>& calibrations, Fusion& fusion) {
  ICPT_ASSIGN_OR_RETURN(const std::vector<FoldFit> folds, SplitFolds(joined, families, calibrations));
  Weighed best;
  double least = std::numeric_limits<double>::infinity();
  for (const double pull : kPulls) {
    ICPT_ASSIGN_OR_RETURN(Weighed weighed, CrossValidate(folds, calibrations.size(), pull));
    ICPT_ASSIGN_OR_RETURN(const double loss, BalancedLogLoss(weighed.of_subsets));
    if (loss > least) continue;
    least = loss;
    best = std::move(weighed);
    fusion.pull = pull;
  }
  std::vector<LabelledScores> scores;
  for (const ScoredLabel& each : best.of_subsets) scores.push_back({{each.score}, each.fake});
  ICPT_ASSIGN_OR_RETURN(fusion.recalibration, FitLogistic(scores, 0));
  for (size_t i = 0; i < best.of_clips.size(); ++i) {
    best.of_clips[i].score = fusion.Recalibrated(best.of_clips[i].score, best.present[i]);
  }
  ICPT_ASSIGN_OR_RETURN(fusion.decision, FitDecisionBand(best.of_clips));
  const Ratios ratios =
      RatiosBy(joined, families, calibrations,
               [](const Calibrations& each) -> const SpecialistCalibration& { return each.all; });
  ICPT_ASSIGN_OR_RETURN(const LogisticFit common, FitCommon(ratios.clips, calibrations.size()));
  ICPT_ASSIGN_OR_RETURN(fusion.weights, FitSubsets(ratios.clips, calibrations.size(), common, fusion.pull));
  return absl::OkStatus();
}

// When no specialist could be calibrated.
Fusion MeanOfLogits(std::vector<FusedSpecialist> specialists) {
  Fusion fusion;
  fusion.weights = MeanOfSubsets(specialists.size());
  fusion.specialists = std::move(specialists);
  return fusion;
}

}  // namespace

absl::StatusOr<Fusion> FitFusion(const std::map<SpecialistName, CalibrationRows>& rows,
                                 const BootstrapOptions& options) {
  if (rows.empty()) return InvalidArgument("there is no specialist to fuse");
  SpecialistRows given;
  for (const auto& [specialist, table] : rows) given[specialist] = table.rows();
  ICPT_RETURN_IF_ERROR(JoinRows(given).status());
  const Families families = DealFamilies(rows, options.seed);
  Fusion fusion;
  std::vector<FusedSpecialist> uncalibrated;
  std::vector<Calibrations> calibrations;
  SpecialistRows kept;
  for (const auto& [specialist, table] : rows) {
    auto calibrated = Calibrate(table, families);
    if (!calibrated.ok()) return Annotate(calibrated.status(), ToString(specialist));
    if (!calibrated->all.calibrated) uncalibrated.push_back({specialist, calibrated->all});
    ICPT_ASSIGN_OR_RETURN(std::optional<std::string> reason,
                          ReasonToLeaveOut(table, *calibrated, families, options));
    if (reason) {
      fusion.left_out.push_back({specialist, *std::move(reason)});
      continue;
    }
    kept[specialist] = table.rows();
    fusion.specialists.push_back({specialist, calibrated->all});
    calibrations.push_back(*std::move(calibrated));
  }
  if (uncalibrated.size() == rows.size()) return MeanOfLogits(std::move(uncalibrated));
  if (kept.empty()) {
    std::string reasons;
    for (const LeftOutSpecialist& each : fusion.left_out) {
      reasons += Cat(reasons.empty() ? "" : "; ", ToString(each.specialist), ": ", each.reason);
    }
    return FailedPrecondition("no specialist is left to fuse: ", reasons);
  }
  ICPT_ASSIGN_OR_RETURN(const std::vector<JoinedClip> joined, JoinRows(kept));
  ICPT_RETURN_IF_ERROR(Stack(joined, families, calibrations, fusion));
  fusion.calibrated = true;
  return fusion;
}

}  // namespace interceptor::worker
