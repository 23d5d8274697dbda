#include "worker/integrate/fusion.h"

#include <algorithm>
#include <cmath>
#include <string_view>
#include <utility>

#include "common/base/check.h"
#include "common/base/status.h"
#include "common/io/json_fields.h"

namespace interceptor::worker {
namespace {

constexpr int kVersion = 1;

// As a subset stands in JSON: the weights of its specialists alone.
struct SubsetLine {
  std::vector<SpecialistName> specialists;
  LogisticFit fit;
};

std::vector<SubsetLine> ToLines(const Fusion& fusion) {
  std::vector<SubsetLine> lines;
  for (Subset subset = 1; subset <= fusion.weights.subsets.size(); ++subset) {
    const LogisticFit& fit = fusion.weights.Of(subset);
    SubsetLine& line =
        lines.emplace_back(SubsetLine{.specialists = {}, .fit = {.weights = {}, .bias = fit.bias}});
    for (size_t i = 0; i < fusion.specialists.size(); ++i) {
      if ((subset >> i & 1) == 0) continue;
      line.specialists.push_back(fusion.specialists[i].specialist);
      line.fit.weights.push_back(fit.weights[i]);
    }
  }
  return lines;
}

// An empty text, or what is wrong.
std::string TakeLines(const std::vector<SubsetLine>& lines, Fusion& fusion) {
  const size_t count = fusion.specialists.size();
  const Subset end = Subset{1} << count;
  if (lines.size() + 1 != end) return Cat("has ", lines.size(), " subsets of ", count, " specialists");
  for (Subset subset = 1; subset < end; ++subset) {
    const SubsetLine& line = lines[subset - 1];
    LogisticFit fit{.weights = std::vector<double>(count, 0), .bias = line.fit.bias};
    size_t next = 0;
    for (size_t i = 0; i < count; ++i) {
      if ((subset >> i & 1) == 0) continue;
      if (next >= line.specialists.size() || line.specialists[next] != fusion.specialists[i].specialist) {
        return Cat("has other specialists in subset ", subset, " than belong there");
      }
      if (next >= line.fit.weights.size()) return Cat("lacks weights in subset ", subset);
      fit.weights[i] = line.fit.weights[next++];
    }
    if (next != line.specialists.size() || next != line.fit.weights.size()) {
      return Cat("has more in subset ", subset, " than belongs there");
    }
    fusion.weights.subsets.push_back(std::move(fit));
  }
  return "";
}

void FitField(auto& visit, const char* key, LogisticFit& fit) {
  visit.Object(key, [&](auto& nested) {
    nested("weights", fit.weights);
    nested("bias", fit.bias);
  });
}

// All but the specialists and the subsets.
void Fields(auto& visit, Fusion& fusion) {
  visit("calibrated", fusion.calibrated);
  visit.List("left_out", fusion.left_out, [](auto& nested, auto& each) {
    nested.Name("specialist", each.specialist, ParseSpecialist);
    nested("reason", each.reason);
  });
  visit("pull", fusion.pull);
  FitField(visit, "common", fusion.weights.common);
  FitField(visit, "recalibration", fusion.recalibration);
  visit.Optional("decision", fusion.decision, [](auto& nested, DecisionBand& band) {
    nested("fake_above", band.fake_above);
    nested("real_below", band.real_below);
    nested("real_error", band.real_error);
    nested("fake_error", band.fake_error);
    nested("reals", band.reals);
    nested("fakes", band.fakes);
  });
}

void SubsetsField(auto& visit, std::vector<SubsetLine>& lines) {
  visit.List("subsets", lines, [](auto& nested, SubsetLine& line) {
    nested.Names("specialists", line.specialists, ParseSpecialist);
    nested("weights", line.fit.weights);
    nested("bias", line.fit.bias);
  });
}

absl::Status ReadSpecialists(JsonReader& reader, Fusion& fusion) {
  for (const nlohmann::json& each : reader.Array("specialists")) {
    JsonReader nested(each, "specialist");
    const std::optional<SpecialistName> name = ParseSpecialist(nested.String("specialist"));
    auto calibration = ParseSpecialistCalibration(nested.Object("calibration"));
    ICPT_RETURN_IF_ERROR(nested.Finish());
    ICPT_RETURN_IF_ERROR(calibration.status());
    if (!name || (!fusion.specialists.empty() && *name <= fusion.specialists.back().specialist)) {
      return InvalidArgument("fusion has a specialist that is none, stands twice or out of order");
    }
    fusion.specialists.push_back({*name, *std::move(calibration)});
  }
  if (fusion.specialists.empty()) reader.Fail("has no specialist");
  return absl::OkStatus();
}

bool IsWeight(double weight) { return weight >= 0; }

bool AreWeights(const LogisticFit& fit, size_t count) {
  return fit.weights.size() == count && std::all_of(fit.weights.begin(), fit.weights.end(), IsWeight);
}

}  // namespace

std::vector<std::optional<double>> Fusion::Ratios(std::span<const ScoreRow* const> rows) const {
  ICPT_CHECK(rows.size() == specialists.size());
  std::vector<std::optional<double>> ratios(rows.size());
  for (size_t i = 0; i < rows.size(); ++i) {
    if (rows[i] != nullptr && !rows[i]->abstained) ratios[i] = specialists[i].calibration.LogRatio(*rows[i]);
  }
  return ratios;
}

double Fusion::LogRatio(std::span<const std::optional<double>> ratios) const {
  ICPT_CHECK(ratios.size() == specialists.size());
  Subset present = 0;
  std::vector<double> values(ratios.size(), 0);
  for (size_t i = 0; i < ratios.size(); ++i) {
    if (!ratios[i]) continue;
    present |= Subset{1} << i;
    values[i] = *ratios[i];
  }
  return present == 0 ? 0 : Recalibrated(weights.Weighed(present, values), present);
}

double Fusion::Recalibrated(double weighed, Subset subset) const {
  const double ratio = recalibration.bias + recalibration.weights[0] * weighed;
  return std::clamp(ratio, -Bound(subset), Bound(subset));
}

double Fusion::Bound(Subset subset) const {
  double bound = 0;
  for (size_t i = 0; i < specialists.size(); ++i) {
    if (subset >> i & 1) bound = std::max(bound, specialists[i].calibration.Bound());
  }
  return bound;
}

double FakeProbability(double log_ratio, double fake_prior) {
  return 1 / (1 + std::exp(-(log_ratio + std::log(fake_prior / (1 - fake_prior)))));
}

nlohmann::json ToJson(const Fusion& fusion) {
  FieldWriter writer;
  writer("version", kVersion);
  Fusion copy = fusion;
  Fields(writer, copy);
  std::vector<SubsetLine> lines = ToLines(fusion);
  SubsetsField(writer, lines);
  writer.object["specialists"] = nlohmann::json::array();
  for (const FusedSpecialist& each : fusion.specialists) {
    writer.object["specialists"].push_back(
        {{"specialist", std::string(ToString(each.specialist))}, {"calibration", ToJson(each.calibration)}});
  }
  return std::move(writer.object);
}

absl::StatusOr<Fusion> ParseFusion(const nlohmann::json& object) {
  FieldReader reader(object, "fusion");
  int version = 0;
  reader("version", version);
  ICPT_RETURN_IF_ERROR(reader.status());
  if (version > kVersion) {
    return FailedPrecondition("fusion has version ", version, "; this program reads up to ", kVersion,
                              ": use the newer program that wrote it");
  }
  if (version != kVersion) reader.reader().Fail(Cat("has version ", version, ", which never was"));
  Fusion fusion;
  fusion.recalibration.weights.clear();
  Fields(reader, fusion);
  ICPT_RETURN_IF_ERROR(ReadSpecialists(reader.reader(), fusion));
  std::vector<SubsetLine> lines;
  SubsetsField(reader, lines);
  ICPT_RETURN_IF_ERROR(reader.Finish());
  if (const std::string fault = TakeLines(lines, fusion); !fault.empty()) {
    return InvalidArgument("fusion ", fault);
  }
  const auto is_good = [&](const LogisticFit& fit) { return AreWeights(fit, fusion.specialists.size()); };
  if (!AreWeights(fusion.weights.common, 1) || !AreWeights(fusion.recalibration, 1) ||
      !IsWeight(fusion.pull) ||
      !std::all_of(fusion.weights.subsets.begin(), fusion.weights.subsets.end(), is_good)) {
    return InvalidArgument("fusion has a weight below 0, or too many or too few of them");
  }
  if (fusion.decision && !(fusion.decision->fake_above >= 0 && fusion.decision->real_below <= 0)) {
    return InvalidArgument("fusion decides for FAKE below even odds or for REAL above them");
  }
  return fusion;
}

}  // namespace interceptor::worker
