#include "worker/integrate/fitting_rows.h"

#include <set>

#include "tests/support/catch.h"
#include "tests/support/score_rows.h"

namespace interceptor::worker {
namespace {

// Of this fold, scored at `step`; with the brightness of each clip.
ScoreTable TableOf(uint64_t seed, Half half, int families, int fold, int64_t step, EvaluationKind kind) {
  ScoreTable table = DrawScoreTable(seed, half, families, 2);
  for (ScoreRow& row : table.rows) {
    row.clip.chunk = std::to_string(step);
    row.clip.fold = fold;
    row.step = step;
    row.split = kind;
  }
  return table;
}

ScoreTable HeldOut() {
  ScoreTable table = TableOf(1, Half::kCalibrate, 20, 0, 90, EvaluationKind::kHeldOut);
  const ScoreTable report = TableOf(2, Half::kReport, 20, 0, 90, EvaluationKind::kHeldOut);
  table.rows.insert(table.rows.end(), report.rows.begin(), report.rows.end());
  return table;
}

std::set<int64_t> StepsOf(const ScoreTable& table) {
  std::set<int64_t> steps;
  for (const ScoreRow& row : table.rows) steps.insert(row.step);
  return steps;
}

CATCH_TEST_CASE(
    "a fusion is fitted on the calibrate half and on look-ahead rows of families that were trained on "
    "later") {
  ScoreTable ahead = TableOf(3, Half::kReport, 50, 1, 60, EvaluationKind::kLookAhead);
  const ScoreTable held_out_ahead = TableOf(4, Half::kReport, 10, 0, 60, EvaluationKind::kLookAhead);
  ahead.rows.insert(ahead.rows.end(), held_out_ahead.rows.begin(), held_out_ahead.rows.end());
  const FittingRows rows = MakeFittingRows(HeldOut(), {ahead});
  CATCH_CHECK(rows.calibrate.rows.size() == 40 + 100);
  CATCH_CHECK(rows.report.rows.size() == 40);
  CATCH_CHECK(CalibrationRows::Create(rows.calibrate, 0).ok());
}

CATCH_TEST_CASE("newest look-ahead scores come first, as many as are needed; those of later states never") {
  const LookAheadTables ahead = {TableOf(3, Half::kReport, 150, 1, 30, EvaluationKind::kLookAhead),
                                 TableOf(4, Half::kReport, 300, 1, 60, EvaluationKind::kLookAhead),
                                 TableOf(5, Half::kReport, 300, 1, 120, EvaluationKind::kLookAhead)};
  CATCH_CHECK(StepsOf(MakeFittingRows(HeldOut(), ahead).calibrate) == std::set<int64_t>{60, 90});
  CATCH_CHECK(StepsOf(MakeFittingRows(HeldOut(), {ahead[0]}).calibrate) == std::set<int64_t>{30, 90});
}

CATCH_TEST_CASE(
    "ranges of attributes are those of the clips that are fitted on, whatever a table's order of "
    "attributes") {
  ScoreTable held_out = HeldOut();
  for (ScoreRow& row : held_out.rows) row.attributes = {row.half == Half::kReport ? 0.9 : 0.3};
  ScoreTable ahead = TableOf(3, Half::kReport, 5, 1, 60, EvaluationKind::kLookAhead);
  ahead.attributes = {"height", "brightness", "face_pixels"};
  for (ScoreRow& row : ahead.rows) row.attributes = {480, 0.5, 90};
  ahead.rows[0].attributes[2] = 0;  // no face
  const auto ranges = MakeFittingRows(held_out, {ahead}).attributes;
  CATCH_CHECK(ranges.at("brightness").low == 0.3);
  CATCH_CHECK(ranges.at("brightness").high == 0.5);
  CATCH_CHECK(ranges.at("height").low == 480);
  CATCH_CHECK(ranges.at("face_pixels").low == 90);
  CATCH_CHECK(ranges.at("height").Holds(484));
  CATCH_CHECK_FALSE(ranges.at("height").Holds(490));
}

}  // namespace
}  // namespace interceptor::worker
