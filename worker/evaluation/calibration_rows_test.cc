#include "worker/evaluation/calibration_rows.h"

#include <type_traits>

#include "tests/support/catch.h"
#include "tests/support/score_rows.h"

namespace interceptor::worker {
namespace {

constexpr int kHeldOut = 0;

std::string Refusal(const ScoreRow& planted) {
  ScoreTable table = DrawScoreTable(1, Half::kCalibrate, 3, 1);
  table.rows.insert(table.rows.begin() + 3, planted);
  const auto rows = CalibrationRows::Create(std::move(table), kHeldOut);
  CATCH_REQUIRE(absl::IsInvalidArgument(rows.status()));
  CATCH_CHECK(Message(rows.status()).find("clip 00/planted") != std::string::npos);
  return Message(rows.status());
}

CATCH_TEST_CASE("rows to fit on are made by their factory alone") {
  CATCH_CHECK_FALSE(std::is_default_constructible_v<CalibrationRows>);
  CATCH_CHECK_FALSE(std::is_constructible_v<CalibrationRows, ScoreTable>);
  const auto rows = CalibrationRows::Create(DrawScoreTable(1, Half::kCalibrate, 3, 1), kHeldOut);
  CATCH_REQUIRE(rows.ok());
  CATCH_CHECK(rows->rows().size() == 6);
}

CATCH_TEST_CASE("of rows that may be fitted on any share may") {
  ScoreTable table = DrawScoreTable(1, Half::kCalibrate, 3, 1);
  table.plan_digest = "ab";
  const auto rows = CalibrationRows::Create(table, kHeldOut);
  CATCH_REQUIRE(rows.ok());
  const CalibrationRows fakes =
      rows->Only([](const ScoreRow& row) { return row.clip.label == Label::kFake; });
  CATCH_CHECK(fakes.attributes() == table.attributes);
  CATCH_REQUIRE(fakes.rows().size() == 3);
  CATCH_CHECK(fakes.rows()[1].clip.name == table.rows[3].clip.name);
}

CATCH_TEST_CASE("a planted row of the report half is refused, whatever it says of itself") {
  ScoreRow planted = MakeScoreRow("planted", FamilyOfHalf(Half::kReport, 0), Label::kFake, 1);
  CATCH_CHECK(Refusal(planted).find("is reported on") != std::string::npos);
  planted.half = Half::kCalibrate;
  CATCH_CHECK(Refusal(planted).find("the other half") != std::string::npos);
  planted.half = Half::kReport;
  // Its family is held out, so it is reported on later.
  planted.split = EvaluationKind::kLookAhead;
  CATCH_CHECK(Refusal(planted).find("is reported on") != std::string::npos);
}

CATCH_TEST_CASE(
    "a look-ahead row of a family that is never reported on may be fitted on; a held-out one may not") {
  ScoreRow row = MakeScoreRow("planted", FamilyOfHalf(Half::kReport, 0), Label::kFake, 1);
  row.clip.fold = 2;
  CATCH_CHECK(Refusal(row).find("fold 2, which is trained on") != std::string::npos);
  row.split = EvaluationKind::kLookAhead;
  ScoreTable table;
  table.rows = {row};
  CATCH_CHECK(CalibrationRows::Create(std::move(table), kHeldOut).ok());
}

CATCH_TEST_CASE("a table is split into what is fitted on and what is reported") {
  ScoreTable table = DrawScoreTable(1, Half::kCalibrate, 2, 1);
  table.plan_digest = "ab";
  const ScoreTable report = DrawScoreTable(2, Half::kReport, 3, 1);
  table.rows.insert(table.rows.begin() + 1, report.rows.begin(), report.rows.end());
  const SplitTable split = SplitByHalf(table, kHeldOut);
  CATCH_CHECK(split.calibrate.rows.size() == 4);
  CATCH_CHECK(split.report.rows.size() == 6);
  CATCH_CHECK(split.report.attributes == table.attributes);
  CATCH_CHECK(split.calibrate.plan_digest == "ab");
  CATCH_CHECK(CalibrationRows::Create(split.calibrate, kHeldOut).ok());
  CATCH_CHECK_FALSE(CalibrationRows::Create(split.report, kHeldOut).ok());
}

}  // namespace
}  // namespace interceptor::worker
