#include "worker/integrate/round_fusion.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "absl/strings/str_format.h"
#include "common/base/status.h"
#include "common/stats/calibration.h"
#include "worker/evaluation/calibrate_half.h"
#include "worker/evaluation/calibration_rows.h"
#include "worker/integrate/fusion_fit.h"
#include "worker/integrate/fusion_rows.h"
#include "worker/integrate/judgement.h"

namespace interceptor::worker {
namespace {

using CalibrateHalves = std::map<SpecialistName, CalibrationRows>;

const SpecialistCalibration& CalibrationOf(const Fusion& fusion, SpecialistName specialist) {
  return std::ranges::find(fusion.specialists, specialist, &FusedSpecialist::specialist)->calibration;
}

absl::StatusOr<SpecialistName> BestOf(const Fusion& fusion, const CalibrateHalves& halves) {
  SpecialistName best = fusion.specialists.front().specialist;
  double least = std::numeric_limits<double>::infinity();
  for (const FusedSpecialist& each : fusion.specialists) {
    std::vector<ScoredLabel> clips;
    for (const ScoreRow& row : halves.at(each.specialist).rows()) {
      clips.push_back({each.calibration.LogRatio(row), row.clip.label == Label::kFake});
    }
    ICPT_ASSIGN_OR_RETURN(const double loss, BalancedLogLoss(clips));
    if (loss >= least) continue;
    least = loss;
    best = each.specialist;
  }
  return best;
}

absl::StatusOr<ReportedClips> ReportClips(const Fusion& fusion, SpecialistName best,
                                          const SpecialistRows& rows) {
  ICPT_ASSIGN_OR_RETURN(const std::vector<JoinedClip> clips, JoinRows(rows));
  std::vector<size_t> places;  // of the fused specialists in a joined clip
  size_t best_place = 0;
  for (const FusedSpecialist& each : fusion.specialists) {
    const auto at = std::distance(rows.begin(), rows.find(each.specialist));
    if (each.specialist == best) best_place = static_cast<size_t>(at);
    places.push_back(static_cast<size_t>(at));
  }
  const SpecialistCalibration& calibration = CalibrationOf(fusion, best);
  ReportedClips reported;
  for (const JoinedClip& clip : clips) {
    std::vector<const ScoreRow*> fused;
    for (const size_t place : places) fused.push_back(clip.rows[place]);
    const bool fake = clip.clip->label == Label::kFake;
    const ScoreRow* row = clip.rows[best_place];
    reported.fused.push_back({clip.clip->family, fake, fusion.LogRatio(fusion.Ratios(fused))});
    reported.best.push_back({clip.clip->family, fake, row == nullptr ? 0 : calibration.LogRatio(*row)});
  }
  return reported;
}

absl::StatusOr<Interval> LogLossChange(const ReportedClips& reported, const BootstrapOptions& options) {
  std::vector<ClipMember> members;
  std::vector<double> changes;
  for (size_t i = 0; i < reported.fused.size(); ++i) {
    const ClipScore& fused = reported.fused[i];
    members.push_back({fused.family, fused.fake});
    changes.push_back(ClipLogLoss({fused.logit, fused.fake}) -
                      ClipLogLoss({reported.best[i].logit, fused.fake}));
  }
  return BalancedMeanInterval(members, changes, options);
}

absl::Status Measure(const SpecialistRows& rows, const BootstrapOptions& options, RoundFusion& round) {
  ICPT_ASSIGN_OR_RETURN(ReportedClips reported, ReportClips(round.fusion, round.best, rows));
  const auto is_fake = [](const ClipScore& clip) { return clip.fake; };
  const auto fakes = std::ranges::count_if(reported.fused, is_fake);
  if (fakes == 0 || fakes == std::ssize(reported.fused)) return absl::OkStatus();
  ICPT_ASSIGN_OR_RETURN(round.report, MeasureIntervals(reported.fused, options));
  ICPT_ASSIGN_OR_RETURN(round.report_of_best, MeasureIntervals(reported.best, options));
  ICPT_ASSIGN_OR_RETURN(round.log_loss_change, LogLossChange(reported, options));
  ICPT_ASSIGN_OR_RETURN(round.proof, ProveFusion(round.fusion, rows, options));
  round.reported = std::move(reported);
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<RoundFusion> FuseRound(const std::map<SpecialistName, ScoreTable>& tables, uint64_t seed,
                                      const std::map<SpecialistName, LookAheadTables>& look_ahead) {
  const BootstrapOptions options{.seed = seed};
  CalibrateHalves halves;
  std::map<SpecialistName, ScoreTable> reported;
  RoundFusion round;
  for (const auto& [specialist, table] : tables) {
    if (table.rows.empty()) continue;
    const auto seen_ahead = look_ahead.find(specialist);
    FittingRows fitting =
        MakeFittingRows(table, seen_ahead == look_ahead.end() ? LookAheadTables() : seen_ahead->second);
    if (!HasBothClasses(fitting.calibrate)) continue;
    ICPT_ASSIGN_OR_RETURN(CalibrationRows rows, CalibrationRows::Create(std::move(fitting.calibrate),
                                                                        table.rows.front().clip.fold));
    halves.emplace(specialist, std::move(rows));
    reported.emplace(specialist, std::move(fitting.report));
    // All specialists score the same clips.
    if (round.attributes.empty()) round.attributes = std::move(fitting.attributes);
  }
  if (halves.empty()) {
    round.reason = "no specialist has reals and fakes to calibrate on";
    return round;
  }
  absl::StatusOr<Fusion> fusion = FitFusion(halves, options);
  if (absl::IsFailedPrecondition(fusion.status())) {
    round.reason = Message(fusion.status());
    return round;
  }
  ICPT_RETURN_IF_ERROR(fusion.status());
  round.fusion = *std::move(fusion);
  ICPT_ASSIGN_OR_RETURN(round.best, BestOf(round.fusion, halves));
  SpecialistRows rows;
  for (const auto& [specialist, table] : reported) rows[specialist] = table.rows;
  ICPT_RETURN_IF_ERROR(Measure(rows, options, round));
  return round;
}

nlohmann::json ToJson(const RoundFusion& round) {
  if (!round.reason.empty()) return {{"reason", round.reason}};
  nlohmann::json object = {{"fusion", ToJson(round.fusion)},
                           {"report", MeasuresJson(round.report)},
                           {"best", std::string(ToString(round.best))},
                           {"report_of_best", MeasuresJson(round.report_of_best)},
                           {"proof", ToJson(round.proof)}};
  if (round.log_loss_change) {
    object["log_loss_change"] = {{"value", round.log_loss_change->estimate},
                                 {"interval", {round.log_loss_change->low, round.log_loss_change->high}},
                                 {"too_few", round.log_loss_change->too_few}};
  }
  return object;
}

std::string DescribeFusion(const RoundFusion& round) {
  if (!round.reason.empty()) return Cat("not fused: ", round.reason);
  std::string text = round.fusion.calibrated ? "fused" : "fused without calibration";
  for (const FusedSpecialist& each : round.fusion.specialists) {
    text += Cat(&each == &round.fusion.specialists.front() ? " " : ", ", ToString(each.specialist));
  }
  if (!round.report || !round.log_loss_change) return text + ", not measured: the report half lacks a class";
  const Interval& auc = *round.report->intervals[static_cast<size_t>(Measure::kAuc)];
  const Interval& change = *round.log_loss_change;
  return absl::StrFormat(
      "%s: AUC %.3f [%.3f, %.3f]%s on %d reported clips, log loss %+.3f [%+.3f, %+.3f] against %s alone",
      text, auc.estimate, auc.low, auc.high, auc.too_few ? " (too few)" : "",
      round.report->reals + round.report->fakes, change.estimate, change.low, change.high,
      std::string(ToString(round.best)));
}

}  // namespace interceptor::worker
