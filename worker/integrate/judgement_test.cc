#include "worker/integrate/judgement.h"

#include <algorithm>

#include "tests/support/catch.h"
#include "tests/support/score_rows.h"

namespace interceptor::worker {
namespace {

Judgement Judge(const ScoreTable& table) {
  const auto judgement = JudgeSpecialist(table, 1);
  CATCH_INFO(judgement.status().ToString());
  CATCH_REQUIRE(judgement.ok());
  return *judgement;
}

ScoreTable BothHalves() {
  ScoreTable table = DrawScoreTable(1, Half::kCalibrate, 100, 2, 1);
  const ScoreTable report = DrawScoreTable(2, Half::kReport, 50, 2, 1);
  table.rows.insert(table.rows.begin() + 10, report.rows.begin(), report.rows.end());
  return table;
}

CATCH_TEST_CASE(
    "permuting the labels of the report half changes no byte of what is fitted, and all of what is "
    "reported") {
  ScoreTable table = BothHalves();
  const nlohmann::json before = ToJson(Judge(table));
  CATCH_REQUIRE(before.at("calibration").at("calibrated") == true);
  std::vector<ScoreRow*> reported;
  for (ScoreRow& row : table.rows) {
    if (row.half == Half::kReport) reported.push_back(&row);
  }
  CATCH_REQUIRE(reported.size() == 100);
  const RandomKey key = MakeRandomKey(3, "labels");
  for (size_t i = reported.size(); i-- > 1;) {
    std::swap(reported[i]->clip.label, reported[RandomIndex(key, i, i + 1)]->clip.label);
  }
  const nlohmann::json after = ToJson(Judge(table));
  for (const char* fitted : {"calibration", "bias", "bias_calibrated"}) {
    CATCH_CHECK(after.at(fitted).dump() == before.at(fitted).dump());
  }
  for (const char* told : {"report", "report_calibrated"}) {
    CATCH_CHECK(after.at(told).at("auc").dump() != before.at(told).at("auc").dump());
  }
}

CATCH_TEST_CASE("calibration shows in the report half, and in gaps before and after") {
  const Judgement judgement = Judge(BothHalves());
  const auto value = [](const std::optional<MeasureTable>& table, Measure measure) {
    return table->Of(measure)->estimate;
  };
  CATCH_CHECK(judgement.measures.reals == 150);
  CATCH_CHECK(judgement.report->reals == 50);
  CATCH_CHECK(value(judgement.report_calibrated, Measure::kLogRatioCost) <
              value(judgement.report, Measure::kLogRatioCost));
  CATCH_CHECK(std::abs(judgement.calibrate_half.before->real_fake.estimate) > 0.2);
  CATCH_CHECK(std::abs(judgement.calibrate_half.after->real_fake.estimate) < 0.1);
  CATCH_CHECK_FALSE(ToJson(judgement).at("measures").contains("recall_at_1_percent"));
}

CATCH_TEST_CASE("halves without one of the classes are left out; a table without one is refused") {
  const Judgement judgement = Judge(DrawScoreTable(4, Half::kReport, 40, 2));
  CATCH_CHECK_FALSE(judgement.calibrate_half.calibration.calibrated);
  CATCH_CHECK_FALSE(judgement.calibrate_half.before.has_value());
  CATCH_CHECK(judgement.report.has_value());
  CATCH_CHECK(ToJson(judgement).at("bias").is_null());
  ScoreTable reals = DrawScoreTable(4, Half::kReport, 40, 2);
  std::erase_if(reals.rows, [](const ScoreRow& row) { return row.clip.label == Label::kFake; });
  CATCH_CHECK(absl::IsInvalidArgument(JudgeSpecialist(reals, 1).status()));
  CATCH_CHECK(absl::IsInvalidArgument(JudgeSpecialist({}, 1).status()));
}

}  // namespace
}  // namespace interceptor::worker
