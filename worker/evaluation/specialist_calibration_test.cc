#include "worker/evaluation/specialist_calibration.h"

#include <cmath>
#include <numbers>

#include "common/stats/calibration.h"
#include "tests/support/catch.h"
#include "tests/support/score_rows.h"

namespace interceptor::worker {
namespace {

CalibrationRows Rows(const ScoreTable& table) {
  auto rows = CalibrationRows::Create(table, 0);
  CATCH_REQUIRE(rows.ok());
  return *std::move(rows);
}

SpecialistCalibration Calibrate(const ScoreTable& table) {
  const auto calibration = CalibrateSpecialist(Rows(table));
  CATCH_REQUIRE(calibration.ok());
  return *calibration;
}

ScoreTable WithoutParts(ScoreTable table) {
  for (ScoreRow& row : table.rows) row.parts.reset();
  return table;
}

double LogLoss(const ScoreTable& table, const SpecialistCalibration& calibration) {
  std::vector<ScoredLabel> clips;
  for (const ScoreRow& row : table.rows) {
    clips.push_back({calibration.LogRatio(row), row.clip.label == Label::kFake});
  }
  return *BalancedLogLoss(clips);
}

CATCH_TEST_CASE("a shifted, overconfident logit becomes the log-likelihood ratio that it is") {
  ScoreTable table = WithoutParts(DrawScoreTable(1, Half::kCalibrate, 2000, 2, 3));
  for (ScoreRow& row : table.rows) row.logit *= 5;
  const SpecialistCalibration calibration = Calibrate(table);
  CATCH_CHECK(calibration.calibrated);
  CATCH_CHECK(calibration.parts == std::vector<std::string>{"fused"});
  // Of normal scores with deviation 1, two apart, the ratio is 2 x (score - 3).
  CATCH_CHECK(std::abs(calibration.fit.weights[0] - 2.0 / 5) < 0.03);
  CATCH_CHECK(std::abs(calibration.fit.bias + 6) < 0.4);
  CATCH_CHECK(LogLoss(table, calibration) < LogLoss(table, SpecialistCalibration{}));
}

CATCH_TEST_CASE("parts that know more than the fused logit are listened to") {
  ScoreTable table = DrawScoreTable(2, Half::kCalibrate, 400, 1);
  for (ScoreRow& row : table.rows) row.parts->evidence += row.clip.label == Label::kFake ? 2 : -2;
  const SpecialistCalibration calibration = Calibrate(table);
  CATCH_CHECK(calibration.parts == std::vector<std::string>{"fused", "evidence", "self_made"});
  CATCH_CHECK(calibration.fit.weights[1] > 1);
  CATCH_CHECK(calibration.fit.weights[2] >= 0);
  CATCH_CHECK(calibration.fit.weights[2] < 0.5);
  CATCH_CHECK(LogLoss(table, calibration) < LogLoss(table, Calibrate(WithoutParts(table))) - 0.1);
}

CATCH_TEST_CASE("strong fakes far away do not move the line between reals and weak ones") {
  ScoreTable table = WithoutParts(DrawScoreTable(6, Half::kCalibrate, 400, 0));
  bool strong = false;
  for (ScoreRow& row : table.rows) {
    if (row.clip.label == Label::kReal) continue;
    strong = !strong;
    row.logit = strong ? 60 + 10 * row.logit : 2 + row.logit;
  }
  const SpecialistCalibration calibration = Calibrate(table);
  SpecialistCalibration one_slope = calibration;
  one_slope.sides = SpecialistCalibration{}.sides;
  const auto gap = [&table](const SpecialistCalibration& of) {
    std::vector<ScoredLabel> clips;
    for (const ScoreRow& row : table.rows)
      clips.push_back({of.LogRatio(row), row.clip.label == Label::kFake});
    const ClassAccuracy accuracy = *AccuracyByClass(clips);
    return accuracy.real - accuracy.fake;
  };
  CATCH_CHECK(gap(calibration) < gap(one_slope));
  CATCH_CHECK(LogLoss(table, calibration) < LogLoss(table, one_slope));
}

CATCH_TEST_CASE(
    "fakes that are altered in a part of their length are pooled by their largest windows, others by the "
    "mean") {
  ScoreTable table = WithoutParts(DrawScoreTable(7, Half::kCalibrate, 200, 0));
  const RandomKey key = MakeRandomKey(7, "windows");
  uint64_t counter = 0;
  for (const double altered : {1.0, 0.25}) {
    for (ScoreRow& row : table.rows) {
      row.windows.clear();
      for (int i = 0; i < 12; ++i) {
        const bool shows = row.clip.label == Label::kFake && i < 12 * altered;
        row.windows.push_back(RandomNormal(key, counter++) + (shows ? 0.6 / altered : 0));
      }
      row.logit = Pool(row.windows, Pooling::kMean);
    }
    const SpecialistCalibration calibration = Calibrate(table);
    CATCH_CHECK(calibration.pooling == (altered == 1 ? Pooling::kMean : Pooling::kTopMean));
    SpecialistCalibration by_mean = calibration;
    by_mean.pooling = Pooling::kMean;
    if (altered < 1) CATCH_CHECK(LogLoss(table, calibration) < LogLoss(table, by_mean) - 0.05);
  }
}

CATCH_TEST_CASE("under thirty families of a class the logit stays as it is, marked uncalibrated") {
  ScoreTable table = DrawScoreTable(3, Half::kCalibrate, 29, 1);
  SpecialistCalibration calibration = Calibrate(table);
  CATCH_CHECK_FALSE(calibration.calibrated);
  CATCH_CHECK(calibration.real_families == 29);
  CATCH_CHECK(calibration.LogRatio(table.rows[0]) == table.rows[0].logit);
  CATCH_CHECK(ToJson(calibration).at("weights") == nlohmann::json{{"fused", 1.0}});
  CATCH_CHECK_FALSE(ToJson(calibration).contains("log10_bound"));
  table = DrawScoreTable(3, Half::kCalibrate, 30, 1);
  CATCH_CHECK(Calibrate(table).calibrated);
  table.rows[0].abstained = true;  // of whom nothing is known
  CATCH_CHECK_FALSE(Calibrate(table).calibrated);
  CATCH_CHECK_FALSE(Calibrate(ScoreTable{}).calibrated);
}

CATCH_TEST_CASE("no ratio is larger than the calibration families can support; an abstention says nothing") {
  ScoreTable table = WithoutParts(DrawScoreTable(4, Half::kCalibrate, 100, 40));
  const SpecialistCalibration calibration = Calibrate(table);
  for (const double extreme : {-1e9, -50.0, 50.0, 1e9}) {
    ScoreRow row = table.rows[0];
    row.logit = extreme;
    const double log10_ratio = std::abs(calibration.LogRatio(row)) / std::numbers::ln10;
    CATCH_CHECK(log10_ratio < std::log10(101.0));
    CATCH_CHECK(log10_ratio > 2.0);
    row.abstained = true;
    CATCH_CHECK(calibration.LogRatio(row) == 0);
  }
}

CATCH_TEST_CASE("a calibration is read back as it was written, to the byte") {
  const ScoreTable with_parts = DrawScoreTable(8, Half::kCalibrate, 60, 1);
  for (const ScoreTable& table :
       {with_parts, WithoutParts(with_parts), DrawScoreTable(8, Half::kCalibrate, 10, 1)}) {
    const SpecialistCalibration calibration = Calibrate(table);
    const std::string text = ToJson(calibration).dump();
    const auto read = ParseSpecialistCalibration(nlohmann::json::parse(text));
    CATCH_INFO(read.status().ToString());
    CATCH_REQUIRE(read.ok());
    CATCH_CHECK(ToJson(*read).dump() == text);
    CATCH_CHECK(read->LogRatio(table.rows[3]) == calibration.LogRatio(table.rows[3]));
  }
}

CATCH_TEST_CASE("a calibration that was not written so is refused") {
  const nlohmann::json good = ToJson(Calibrate(DrawScoreTable(8, Half::kCalibrate, 60, 1)));
  CATCH_REQUIRE(ParseSpecialistCalibration(good).ok());
  for (const char* patch :
       {R"({"calibrated": null})", R"({"bias": "0"})", R"({"more": 1})", R"({"weights": {"fused": null}})",
        R"({"weights": {"fused": -0.1}})", R"({"weights": {"backbone": 1}})",
        R"({"sides": {"weights": [1]}})", R"({"sides": {"weights": [1, -1]}})", R"({"real_families": -1})",
        R"({"real_families": 31})", R"({"log10_bound": 9})", R"({"calibrated": false})"}) {
    nlohmann::json broken = good;
    broken.merge_patch(nlohmann::json::parse(patch));
    CATCH_INFO(patch);
    CATCH_CHECK(absl::IsInvalidArgument(ParseSpecialistCalibration(broken).status()));
  }
}

CATCH_TEST_CASE("a table of which only some rows have parts is refused") {
  ScoreTable table = DrawScoreTable(5, Half::kCalibrate, 40, 1);
  table.rows[7].parts.reset();
  CATCH_CHECK(absl::IsInvalidArgument(CalibrateSpecialist(Rows(table)).status()));
  table = WithoutParts(table);
  table.rows[7].parts = PartLogits{};
  CATCH_CHECK(absl::IsInvalidArgument(CalibrateSpecialist(Rows(table)).status()));
}

}  // namespace
}  // namespace interceptor::worker
