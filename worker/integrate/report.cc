#include "worker/integrate/report.h"

#include <algorithm>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/status.h"
#include "worker/evaluation/bias.h"
#include "worker/integrate/score_curves.h"

namespace interceptor::worker {
namespace {

constexpr char kNoReportHalf[] = "no report half: it lacks reals or fakes";
constexpr char kNoCalibrateHalf[] = "no calibrate half: it lacks reals or fakes";

int64_t CountFamilies(const std::vector<ClipScore>& clips) {
  std::set<std::string_view> families;
  for (const ClipScore& clip : clips) families.insert(clip.family);
  return std::ssize(families);
}

// Measures, families and curves of the report half under `report` and `curves`, or why there are none.
absl::Status AddReported(const std::optional<MeasureTable>& measures, const std::vector<ClipScore>& clips,
                         nlohmann::json& object) {
  if (!measures) {
    object["missing"] = kNoReportHalf;
    return absl::OkStatus();
  }
  object["report"] = MeasuresJson(measures);
  object["report"]["families"] = CountFamilies(clips);
  ICPT_ASSIGN_OR_RETURN(const ScoreCurves curves, MakeScoreCurves(clips));
  object["curves"] = ToJson(curves);
  return absl::OkStatus();
}

nlohmann::json BiasJson(const BiasReport& bias) {
  nlohmann::json object = ToJson(bias);
  object["alarms"] = std::ranges::count_if(bias.slices, &SliceBias::alarm);
  const auto too_few = std::ranges::count_if(bias.slices, [](const SliceBias& slice) {
    return slice.false_positive.too_few && slice.false_negative.too_few;
  });
  object["too_few_slices"] = too_few;
  object["compared_slices"] = std::ssize(bias.slices) - too_few;
  return object;
}

absl::StatusOr<nlohmann::json> SpecialistJson(const SpecialistResult& result) {
  nlohmann::json object = {{"specialist", result.specialist}, {"step", result.step}};
  if (!result.judgement) {
    object["missing"] = kNoReportHalf;
    object["missing_bias"] = kNoCalibrateHalf;
    return object;
  }
  const Judgement& judgement = *result.judgement;
  const CalibrateHalf& half = judgement.calibrate_half;
  object["calibrated"] = half.calibration.calibrated;
  object["calibration_families"] = {{"reals", half.calibration.real_families},
                                    {"fakes", half.calibration.fake_families}};
  ICPT_RETURN_IF_ERROR(AddReported(judgement.report_calibrated, judgement.reported, object));
  if (judgement.report_calibrated) object["report"]["abstained"] = judgement.reported_abstained;
  if (half.before && half.after) {
    object["bias"] = BiasJson(*half.before);
    object["bias_calibrated"] = BiasJson(*half.after);
  } else {
    object["missing_bias"] = kNoCalibrateHalf;
  }
  return object;
}

// What a nat of each specialist adds to the fused ratio where all of them speak.
nlohmann::json WeightsJson(const Fusion& fusion) {
  const LogisticFit& all = fusion.weights.subsets.back();
  const double slope = fusion.recalibration.weights[0];
  nlohmann::json weights = nlohmann::json::array();
  for (size_t i = 0; i < fusion.specialists.size(); ++i) {
    weights.push_back({{"specialist", std::string(ToString(fusion.specialists[i].specialist))},
                       {"weight", slope * all.weights[i]}});
  }
  return {{"specialists", std::move(weights)},
          {"bias", fusion.recalibration.bias + slope * all.bias},
          {"pull", fusion.pull}};
}

absl::StatusOr<nlohmann::json> FusionJson(const std::optional<RoundFusion>& fusion) {
  if (!fusion) return nlohmann::json{{"missing", "nothing was fused"}};
  if (!fusion->reason.empty()) return nlohmann::json{{"missing", fusion->reason}};
  const nlohmann::json all = ToJson(*fusion);
  nlohmann::json object = {{"calibrated", fusion->fusion.calibrated},
                           {"left_out", all.at("fusion").at("left_out")},
                           {"weights", WeightsJson(fusion->fusion)},
                           {"proof", all.at("proof")}};
  ICPT_RETURN_IF_ERROR(AddReported(fusion->report, fusion->reported.fused, object));
  object["best"] = {{"specialist", all.at("best")}};
  ICPT_RETURN_IF_ERROR(AddReported(fusion->report_of_best, fusion->reported.best, object["best"]));
  if (all.contains("log_loss_change")) object["log_loss_change"] = all.at("log_loss_change");
  return object;
}

}  // namespace

absl::StatusOr<nlohmann::json> MakeReport(const RoundResults& results) {
  nlohmann::json report = {{"version", 1},
                           {"chunk_name", results.chunk_name},
                           {"specialists", nlohmann::json::array()},
                           {"absent", nlohmann::json::array()}};
  if (results.chunk) report["chunk"] = *results.chunk;
  for (const SpecialistResult& each : results.specialists) {
    ICPT_ASSIGN_OR_RETURN(nlohmann::json object, SpecialistJson(each));
    report["specialists"].push_back(std::move(object));
  }
  ICPT_ASSIGN_OR_RETURN(report["fusion"], FusionJson(results.fusion));
  for (const AbsentSpecialist& each : results.absent) {
    report["absent"].push_back({{"specialist", each.specialist}, {"reason", each.reason}});
  }
  return report;
}

}  // namespace interceptor::worker
