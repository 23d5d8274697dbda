#include "worker/integrate/fusion.h"

#include <cmath>

#include "tests/support/catch.h"
#include "tests/support/fusion_sample.h"
#include "worker/integrate/fusion_fit.h"

namespace interceptor::worker {
namespace {

constexpr auto kBG = SpecialistName::kBG;
constexpr auto kAV = SpecialistName::kAV;
constexpr auto kLL = SpecialistName::kLL;
constexpr auto kTM = SpecialistName::kTM;

// BG, AV and LL are fused, TM is left out; LL speaks on 40 of 100 families.
const Fusion& Sample() {
  static const Fusion fusion = [] {
    SpecialistTables tables =
        DrawSpecialists(1, Half::kCalibrate, 100, {{kBG, 4}, {kAV, 3}, {kLL, 4}, {kTM, 0}});
    for (size_t i = 120; i < tables[kLL].rows.size(); ++i) tables[kLL].rows[i].abstained = true;
    return *FitFusion(ToFitOn(tables), {.replicates = 500});
  }();
  return fusion;
}

using Ratios = std::vector<std::optional<double>>;

CATCH_TEST_CASE("no ratio is larger than the families of a specialist that speaks can support") {
  const Fusion& fusion = Sample();
  CATCH_REQUIRE(fusion.specialists.size() == 3);
  for (Subset present = 1; present < 8; ++present) {
    const double families = present == 0b100 ? 40 : 100;
    for (const double extreme : {-1e9, 1e9}) {
      Ratios ratios(3);
      for (size_t i = 0; i < 3; ++i) {
        if (present >> i & 1) ratios[i] = extreme;
      }
      const double ratio = std::abs(fusion.LogRatio(ratios));
      CATCH_CHECK(ratio < std::log(families + 1));
      CATCH_CHECK(ratio > std::log(families + 0.9));
    }
  }
}

CATCH_TEST_CASE("one that abstains is as one that is missing; when nobody speaks nothing is said") {
  const Fusion& fusion = Sample();
  ScoreRow row = MakeScoreRow("clip", "00/family", Label::kFake, 0.3);
  ScoreRow abstained = row;
  abstained.abstained = true;
  const std::vector<const ScoreRow*> silent = {&row, &abstained, &row};
  const std::vector<const ScoreRow*> missing = {&row, nullptr, &row};
  CATCH_CHECK(fusion.Ratios(silent) == fusion.Ratios(missing));
  const Ratios ratios = fusion.Ratios(missing);
  CATCH_CHECK(ratios[0] == fusion.specialists[0].calibration.LogRatio(row));
  CATCH_CHECK_FALSE(ratios[1].has_value());
  // A silent one is none that says 0: the others are weighed as they are without it.
  const double expected =
      fusion.recalibration.bias +
      fusion.recalibration.weights[0] * fusion.weights.Weighed(0b101, {*ratios[0], 0, *ratios[2]});
  CATCH_CHECK(fusion.LogRatio(ratios) == expected);
  CATCH_CHECK(fusion.LogRatio(ratios) != fusion.LogRatio(Ratios{ratios[0], 0.0, ratios[2]}));
  CATCH_CHECK(fusion.LogRatio(Ratios(3)) == 0);
}

CATCH_TEST_CASE("the decision is P >= 1/2 at the prior, so the prior moves it") {
  CATCH_CHECK(FakeProbability(0, 0.5) == 0.5);
  CATCH_CHECK(std::abs(FakeProbability(0, 0.1) - 0.1) < 1e-12);
  CATCH_CHECK(std::abs(FakeProbability(std::log(9.0), 0.1) - 0.5) < 1e-12);
  CATCH_CHECK(FakeProbability(2, 0.1) < 0.5);
  CATCH_CHECK(FakeProbability(2.3, 0.1) > 0.5);
}

CATCH_TEST_CASE("a fusion is read back as it was written, to the byte") {
  Fusion uncalibrated =
      *FitFusion(ToFitOn(DrawSpecialists(2, Half::kCalibrate, 10, {{kAV, 1}, {kTM, 1}})), {});
  for (const Fusion& fusion : {Sample(), uncalibrated}) {
    const std::string text = ToJson(fusion).dump(1);
    const auto read = ParseFusion(nlohmann::json::parse(text));
    CATCH_INFO(read.status().ToString());
    CATCH_REQUIRE(read.ok());
    CATCH_CHECK(ToJson(*read).dump(1) == text);
    Ratios ratios(fusion.specialists.size(), 0.3);
    ratios[1].reset();
    CATCH_CHECK(read->LogRatio(ratios) == fusion.LogRatio(ratios));
  }
  CATCH_CHECK(ToJson(Sample()).at("subsets").size() == 7);
  CATCH_CHECK(ToJson(Sample()).at("subsets")[4].at("specialists") == nlohmann::json{"BG", "LL"});
  CATCH_CHECK(ToJson(Sample()).at("left_out")[0].at("specialist") == "TM");
}

CATCH_TEST_CASE("a fusion that was not written so is refused") {
  const nlohmann::json good = ToJson(Sample());
  CATCH_REQUIRE(ParseFusion(good).ok());
  for (
      const char* patch : {
          R"([{"op": "replace", "path": "/version", "value": 0}])",
          R"([{"op": "remove", "path": "/pull"}])",
          R"([{"op": "replace", "path": "/pull", "value": -1}])",
          R"([{"op": "add", "path": "/more", "value": 1}])",
          R"([{"op": "replace", "path": "/calibrated", "value": 1}])",
          R"([{"op": "replace", "path": "/specialists", "value": []}])",
          R"([{"op": "replace", "path": "/specialists/0/specialist", "value": "TM"}])",
          R"([{"op": "replace", "path": "/specialists/0/specialist", "value": "XX"}])",
          R"([{"op": "remove", "path": "/specialists/0/calibration/bias"}])",
          R"([{"op": "add", "path": "/specialists/0/more", "value": 1}])",
          R"([{"op": "replace", "path": "/left_out/0/specialist", "value": "XX"}])",
          R"([{"op": "remove", "path": "/subsets/6"}])",
          R"([{"op": "add", "path": "/subsets/-", "value": {"specialists": ["BG"], "weights": [1], "bias": 0}}])",
          R"([{"op": "replace", "path": "/subsets/2/specialists/1", "value": "LL"}])",
          R"([{"op": "remove", "path": "/subsets/2/specialists/1"}])",
          R"([{"op": "add", "path": "/subsets/2/specialists/-", "value": "LL"}])",
          R"([{"op": "remove", "path": "/subsets/2/weights/1"}])",
          R"([{"op": "add", "path": "/subsets/2/weights/-", "value": 1}])",
          R"([{"op": "replace", "path": "/subsets/2/weights/1", "value": -0.5}])",
          R"([{"op": "replace", "path": "/common/weights", "value": []}])",
          R"([{"op": "replace", "path": "/recalibration/weights", "value": [1, 1]}])",
          R"([{"op": "replace", "path": "/recalibration/weights/0", "value": -1}])",
          R"([{"op": "replace", "path": "/recalibration/bias", "value": null}])",
      }) {
    CATCH_INFO(patch);
    CATCH_CHECK(absl::IsInvalidArgument(ParseFusion(good.patch(nlohmann::json::parse(patch))).status()));
  }
  nlohmann::json newer = good;
  newer["version"] = 2;
  newer["more"] = 1;
  CATCH_CHECK(absl::IsFailedPrecondition(ParseFusion(newer).status()));
}

}  // namespace
}  // namespace interceptor::worker
