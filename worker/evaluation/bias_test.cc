#include "worker/evaluation/bias.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "tests/support/catch.h"
#include "tests/support/score_rows.h"

namespace interceptor::worker {
namespace {

constexpr int kDarkBelow = 25;  // hundredths of brightness

CalibrationRows Rows(ScoreTable table) {
  auto rows = CalibrationRows::Create(std::move(table), 0);
  CATCH_REQUIRE(rows.ok());
  return *std::move(rows);
}

BiasReport Judge(const ScoreTable& table, const SpecialistCalibration& calibration = {}) {
  const auto report = MakeBiasReport(Rows(table), calibration, {.replicates = 500});
  CATCH_INFO(report.status().ToString());
  CATCH_REQUIRE(report.ok());
  return *report;
}

const SliceBias& Slice(const BiasReport& report, std::string_view attribute, std::string_view name) {
  const auto at = std::ranges::find_if(
      report.slices, [&](const SliceBias& s) { return s.attribute == attribute && s.slice == name; });
  CATCH_REQUIRE(at != report.slices.end());
  return *at;
}

// Reals of dark scenes score high; others are judged alike.
ScoreTable DarkBias(uint64_t seed, double shift) {
  ScoreTable table = DrawScoreTable(seed, Half::kCalibrate, 400, 3);
  for (ScoreRow& row : table.rows) {
    if (row.clip.label == Label::kReal && row.attributes[0] * 100 < kDarkBelow) row.logit += shift;
  }
  return table;
}

CATCH_TEST_CASE("a slice whose reals are called fake raises the alarm, with its gap; the others do not") {
  const BiasReport report = Judge(DarkBias(1, 1.5));
  const SliceBias& dark = Slice(report, "brightness", "dark");
  CATCH_REQUIRE_FALSE(dark.false_positive.too_few);
  CATCH_CHECK(dark.false_positive.estimate > 0.3);
  CATCH_CHECK(dark.false_positive.low > 0.2);
  CATCH_CHECK(dark.false_positive_p <= kFalseDiscoveryRate);
  CATCH_CHECK(dark.alarm);
  CATCH_CHECK(dark.real_fake.high < 0);
  CATCH_CHECK(dark.false_negative.low < 0);
  CATCH_CHECK(dark.false_negative.high > 0);
  CATCH_CHECK_FALSE(Slice(report, "brightness", "medium").alarm);
  CATCH_CHECK_FALSE(Slice(report, "brightness", "bright").alarm);  // better than the others is no alarm
  CATCH_CHECK(Slice(report, "brightness", "bright").false_positive.high < 0);
  CATCH_CHECK_FALSE(report.collapsed);
  CATCH_CHECK_FALSE(report.one_class);
}

CATCH_TEST_CASE("without a bias hardly any report alarms") {
  int alarms = 0;
  for (int seed = 0; seed < 40; ++seed) {
    const BiasReport report = Judge(DarkBias(100 + seed, 0));
    alarms += std::ranges::any_of(report.slices, &SliceBias::alarm) ? 1 : 0;
  }
  // Two kinds of gap, one of twenty each, and half of those for the worse.
  CATCH_INFO(alarms);
  CATCH_CHECK(alarms <= 5);
}

CATCH_TEST_CASE("figures of a slice are shares of its clips against the attribute's other slices") {
  ScoreTable table;
  table.attributes = {"brightness", "has_sound"};
  const double kNone = std::numeric_limits<double>::quiet_NaN();
  for (int i = 0; i < 120; ++i) {
    // Dark reals are called fake one time in three, bright ones one in ten; thirty have no brightness at all.
    const bool dark = i < 30;
    const bool unknown = i >= 90;
    const std::string family = FamilyOfHalf(Half::kCalibrate, i);
    ScoreRow real =
        MakeScoreRow(Cat("real ", i), family, Label::kReal, (dark ? i % 3 == 0 : i % 10 == 0) ? 1 : -1);
    ScoreRow fake = MakeScoreRow(Cat("fake ", i), family, Label::kFake, i % 4 == 0 ? -1 : 0);
    real.attributes = fake.attributes = {unknown ? kNone : dark ? 0.1 : 0.9, 1};
    table.rows.push_back(real);
    table.rows.push_back(fake);
  }
  const BiasReport report = Judge(table);
  CATCH_CHECK(report.reals == 120);
  CATCH_CHECK(report.fakes == 120);
  CATCH_CHECK(std::abs(report.real_fake.estimate - (1 - 19.0 / 120 - 0.75)) < 1e-12);
  CATCH_CHECK(std::abs(report.called_fake - (19.0 / 120 + 0.75) / 2) < 1e-12);
  const SliceBias& dark = Slice(report, "brightness", "dark");
  CATCH_CHECK(dark.reals == 30);
  // Ten of the thirty reals lie above every fake, the others below; eight fakes tie with them there.
  CATCH_CHECK(std::abs(dark.auc - (20.0 * 22 + 20.0 * 8 / 2) / (30 * 30)) < 1e-12);
  CATCH_CHECK(dark.fake_families == 30);
  CATCH_CHECK(std::abs(dark.false_positive.estimate - (10.0 / 30 - 6.0 / 60)) < 1e-12);
  CATCH_CHECK(std::abs(dark.false_negative.estimate - (8.0 / 30 - 15.0 / 60)) < 1e-12);
  CATCH_CHECK(std::abs(dark.real_fake.estimate - (20.0 / 30 - 22.0 / 30)) < 1e-12);
  // All have sound, and all are of one chunk: nothing to compare with.
  CATCH_CHECK(Slice(report, "has_sound", "sound").false_positive.too_few);
  CATCH_CHECK_FALSE(Slice(report, "chunk", "00").real_fake.too_few);
  CATCH_CHECK(report.slices.size() == 4);
}

CATCH_TEST_CASE("a gap with under thirty families on one side of it is too few, and raises no alarm") {
  ScoreTable table = DarkBias(2, 3);
  int dark_families = 0;
  std::erase_if(table.rows, [&](const ScoreRow& row) {
    if (row.attributes[0] * 100 >= kDarkBelow) return false;
    dark_families += row.clip.label == Label::kReal ? 1 : 0;
    return dark_families > 29;
  });
  const BiasReport report = Judge(table);
  CATCH_CHECK(Slice(report, "brightness", "dark").real_families == 29);
  CATCH_CHECK(Slice(report, "brightness", "dark").false_positive.too_few);
  CATCH_CHECK_FALSE(Slice(report, "brightness", "dark").alarm);
  CATCH_CHECK(ToJson(report)["slices"][0]["false_positive"]["too_few"] == true);
}

CATCH_TEST_CASE(
    "a specialist that says the same of every clip has collapsed; one that shifted calls one class") {
  ScoreTable table = DrawScoreTable(3, Half::kCalibrate, 60, 2);
  for (ScoreRow& row : table.rows) row.logit = 0.3 + 0.01 * row.logit;
  BiasReport report = Judge(table);
  CATCH_CHECK(report.collapsed);
  CATCH_CHECK(report.one_class);
  CATCH_CHECK(report.called_fake == 1);
  CATCH_CHECK(report.real_fake.estimate == -1);
  for (ScoreRow& row : table.rows) row.logit = 4 + 100 * (row.logit - 0.3);
  report = Judge(table);
  CATCH_CHECK_FALSE(report.collapsed);
  CATCH_CHECK(report.one_class);
  // Calibration cures a shift.
  const auto calibration = CalibrateSpecialist(Rows(table));
  CATCH_REQUIRE(calibration.ok());
  report = Judge(table, *calibration);
  CATCH_CHECK_FALSE(report.one_class);
  CATCH_CHECK(std::abs(report.real_fake.estimate) < 0.15);
}

CATCH_TEST_CASE("clips that were abstained from count apart; one class alone is an error") {
  ScoreTable table = DrawScoreTable(4, Half::kCalibrate, 40, 2);
  table.rows[0].abstained = table.rows[1].abstained = true;
  const BiasReport report = Judge(table);
  CATCH_CHECK(report.abstained == 2);
  CATCH_CHECK(report.reals == 39);
  for (ScoreRow& row : table.rows) row.abstained = row.clip.label == Label::kFake;
  CATCH_CHECK(absl::IsInvalidArgument(MakeBiasReport(Rows(table), {}, {}).status()));
}

}  // namespace
}  // namespace interceptor::worker
