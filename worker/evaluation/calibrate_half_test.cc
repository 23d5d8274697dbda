#include "worker/evaluation/calibrate_half.h"

#include "tests/support/catch.h"
#include "tests/support/score_rows.h"

namespace interceptor::worker {
namespace {

const std::vector<SamplingWeight> kBefore = {{"has_sound", "silent", true, 0.0625}};

// Reals of dark scenes score high, in the calibrate half alone.
ScoreTable DarkBias() {
  ScoreTable table = DrawScoreTable(1, Half::kCalibrate, 400, 3);
  for (ScoreRow& row : table.rows) {
    if (row.clip.label == Label::kReal && row.attributes[0] < 0.25) row.logit += 2;
  }
  const ScoreTable report = DrawScoreTable(2, Half::kReport, 400, 3);
  table.rows.insert(table.rows.end(), report.rows.begin(), report.rows.end());
  return table;
}

std::optional<Bias> Measure(const ScoreTable& table, bool correct) {
  const auto bias = MeasureBias(table, 0, kBefore, correct, {.replicates = 500});
  CATCH_INFO(bias.status().ToString());
  CATCH_REQUIRE(bias.ok());
  return *bias;
}

CATCH_TEST_CASE(
    "the calibrate half says the bias, and how the next chunk is sampled where the plan corrects it") {
  const std::optional<Bias> bias = Measure(DarkBias(), true);
  CATCH_REQUIRE(bias.has_value());
  CATCH_CHECK(bias->after.reals == 400);
  CATCH_CHECK(bias->after.calibrated);
  CATCH_CHECK_FALSE(bias->before.calibrated);
  CATCH_CHECK(bias->before.slices.empty());
  CATCH_REQUIRE_FALSE(bias->next_sampling.empty());
  CATCH_CHECK(bias->next_sampling[0].attribute == "brightness");
  CATCH_CHECK(bias->next_sampling[0].slice == "dark");
  CATCH_CHECK_FALSE(bias->next_sampling[0].fake);

  const std::optional<Bias> measured_alone = Measure(DarkBias(), false);
  CATCH_CHECK(measured_alone->after == bias->after);
  CATCH_CHECK(measured_alone->next_sampling.empty());
}

CATCH_TEST_CASE("what the report half holds changes no bias") {
  ScoreTable table = DarkBias();
  const std::optional<Bias> bias = Measure(table, true);
  for (ScoreRow& row : table.rows) {
    if (row.half != Half::kReport) continue;
    row.clip.label = row.clip.label == Label::kReal ? Label::kFake : Label::kReal;
  }
  CATCH_CHECK(Measure(table, true) == bias);
}

CATCH_TEST_CASE("a calibrate half of one class has no bias") {
  ScoreTable table = DarkBias();
  std::erase_if(table.rows, [](const ScoreRow& row) {
    return row.half == Half::kCalibrate && row.clip.label == Label::kFake;
  });
  CATCH_CHECK_FALSE(Measure(table, true).has_value());
}

}  // namespace
}  // namespace interceptor::worker
