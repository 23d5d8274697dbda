#include "worker/integrate/score_curves.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "common/base/status.h"

namespace interceptor::worker {
namespace {

std::vector<RocPoint> Thinned(const std::vector<RocPoint>& curve) {
  std::vector<RocPoint> kept = {curve.front()};
  for (size_t i = 1; i < curve.size(); ++i) {
    const double moved =
        std::max(curve[i].false_alarms - kept.back().false_alarms, curve[i].recall - kept.back().recall);
    if (moved >= kRocStep || i + 1 == curve.size()) kept.push_back(curve[i]);
  }
  return kept;
}

size_t HistogramBinOf(double log_ratio) {
  const double log10_ratio = log_ratio / std::numbers::ln10;
  const double bin = std::floor((log10_ratio / kHistogramLimit + 1) * kHistogramBins / 2);
  return static_cast<size_t>(std::clamp(bin, 0.0, kHistogramBins - 1.0));
}

}  // namespace

absl::StatusOr<ScoreCurves> MakeScoreCurves(const std::vector<ClipScore>& clips) {
  std::vector<ScoredLabel> scores;
  for (const ClipScore& clip : clips) scores.push_back({clip.logit, clip.fake});
  ICPT_ASSIGN_OR_RETURN(const ScoreOrder order, ScoreOrder::Create(scores));
  ScoreCounts counts;
  ICPT_RETURN_IF_ERROR(order.Count(std::vector<int32_t>(clips.size(), 1), counts));
  ScoreCurves curves{.roc = Thinned(RocCurve(counts)),
                     .reliability = LogitCosts(order.scores(), 0.5).Reliability(counts),
                     .histogram = std::vector<HistogramBin>(kHistogramBins)};
  for (const ScoredLabel& clip : scores) {
    HistogramBin& bin = curves.histogram[HistogramBinOf(clip.score)];
    (clip.fake ? bin.fakes : bin.reals) += 1;
  }
  return curves;
}

nlohmann::json ToJson(const ScoreCurves& curves) {
  nlohmann::json object = {{"roc", nlohmann::json::array()},
                           {"reliability", nlohmann::json::array()},
                           {"histogram", nlohmann::json::array()}};
  for (const RocPoint& point : curves.roc) object["roc"].push_back({point.false_alarms, point.recall});
  for (const ReliabilityBin& bin : curves.reliability) {
    object["reliability"].push_back({{"clips", bin.fakes + bin.reals},
                                     {"fakes", bin.fakes},
                                     {"reals", bin.reals},
                                     {"weight", bin.weight},
                                     {"fake_share", bin.fake_share},
                                     {"mean_p", bin.mean_p}});
  }
  const double width = 2 * kHistogramLimit / kHistogramBins;
  for (size_t i = 0; i < curves.histogram.size(); ++i) {
    object["histogram"].push_back({{"from", -kHistogramLimit + width * static_cast<double>(i)},
                                   {"fakes", curves.histogram[i].fakes},
                                   {"reals", curves.histogram[i].reals}});
  }
  return object;
}

}  // namespace interceptor::worker
