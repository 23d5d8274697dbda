// statistics_print: reads cases as JSON from standard input and prints what common/stats makes of them.
// tests/statistics/compare knows the format and holds it to numpy.
#include <iostream>
#include <nlohmann/json.hpp>

#include "common/base/status.h"
#include "common/stats/false_discovery.h"
#include "common/stats/logistic.h"
#include "common/stats/measures.h"

namespace interceptor {
namespace {

using nlohmann::json;

json Failure(const absl::Status& status) { return {{"error", absl::StatusCodeToString(status.code())}}; }

json ToJson(const MeasureTable& table) {
  json object = {{"false_alarm_bound", table.false_alarm_bound}};
  for (size_t m = 0; m < kMeasures; ++m) {
    const auto& interval = table.intervals[m];
    if (!interval) continue;
    object[std::string(ToString(static_cast<Measure>(m)))] = {interval->estimate, interval->low,
                                                              interval->high, interval->p_value};
  }
  return object;
}

// Values under given weights, and the risk-coverage curve.
json Weighted(const std::vector<ScoredLabel>& clips, const std::vector<int32_t>& weights, double prior) {
  const auto measured = MeasuredScores::Create(clips, prior);
  if (!measured.ok()) return Failure(measured.status());
  const auto values = measured->Values(weights);
  if (!values.ok()) return Failure(values.status());
  json object;
  for (size_t m = 0; m < kMeasures; ++m)
    object[std::string(ToString(static_cast<Measure>(m)))] = (*values)[m];
  const auto order = ScoreOrder::Create(clips);
  ScoreCounts counts;
  if (!order->Count(weights, counts).ok()) return {};
  object["curve"] = json::array();
  for (const CoveragePoint& point : LogitCosts(order->scores(), prior).RiskCoverage(counts)) {
    object["curve"].push_back({point.confidence, point.coverage, point.risk});
  }
  return object;
}

// Intervals of one score and of the difference to another, with the weights of every replicate.
json Intervals(const json& input, const BootstrapOptions& options, double prior) {
  std::vector<ClipScore> clips;
  std::vector<PairedClipScore> pairs;
  std::vector<ClipMember> members;
  for (size_t i = 0; i < input["scores"].size(); ++i) {
    const std::string family = input["families"][i];
    const bool fake = input["fake"][i];
    clips.push_back({family, fake, input["scores"][i]});
    pairs.push_back({family, fake, input["scores"][i], input["second"][i]});
    members.push_back({family, fake});
  }
  json replicates = json::array();
  const auto capture = [&](const std::vector<int32_t>& weights) -> absl::StatusOr<double> {
    replicates.push_back(weights);
    return 0.0;
  };
  const auto drawn = FamilyInterval(members, capture, options);
  const auto measures = MeasureIntervals(clips, options, prior);
  const auto differences = MeasureDifferences(pairs, options, prior);
  for (const absl::Status& status : {drawn.status(), measures.status(), differences.status()}) {
    if (!status.ok()) return Failure(status);
  }
  return {{"replicates", replicates}, {"measures", ToJson(*measures)}, {"differences", ToJson(*differences)}};
}

json Fit(const json& input) {
  std::vector<LabelledScores> clips;
  for (size_t i = 0; i < input["rows"].size(); ++i) clips.push_back({input["rows"][i], input["fake"][i]});
  const auto fit =
      input.contains("prior")
          ? FitLogisticTowards({input["prior"]["weights"], input["prior"]["bias"]}, clips, input["pull"])
          : FitLogistic(clips, input["pull"]);
  if (!fit.ok()) return Failure(fit.status());
  return {{"weights", fit->weights}, {"bias", fit->bias}};
}

json Answer(const json& input) {
  if (input.contains("rows")) return Fit(input);
  if (input.contains("p_values")) {
    const auto adjusted = AdjustByFalseDiscoveryRate(input["p_values"]);
    return adjusted.ok() ? json(*adjusted) : Failure(adjusted.status());
  }
  const double prior = input["prior"];
  if (input.contains("families")) {
    return Intervals(input, {.seed = input["seed"], .replicates = input["replicates"]}, prior);
  }
  std::vector<ScoredLabel> clips;
  for (size_t i = 0; i < input["scores"].size(); ++i) clips.push_back({input["scores"][i], input["fake"][i]});
  return Weighted(clips, input["weights"], prior);
}

}  // namespace
}  // namespace interceptor

int main() {
  nlohmann::json answers = nlohmann::json::array();
  for (const nlohmann::json& input : nlohmann::json::parse(std::cin)) {
    answers.push_back(interceptor::Answer(input));
  }
  std::cout << answers.dump() << "\n";
}
