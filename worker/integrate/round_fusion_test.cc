#include "worker/integrate/round_fusion.h"

#include "tests/support/catch.h"
#include "tests/support/fusion_sample.h"

namespace interceptor::worker {
namespace {

constexpr auto kBG = SpecialistName::kBG;
constexpr auto kCM = SpecialistName::kCM;
constexpr auto kTM = SpecialistName::kTM;

// Held-out tables of both halves: BG and CM know something, TM nothing.
SpecialistTables DrawRound(uint64_t seed, int families) {
  const std::map<SpecialistName, double> apart = {{kBG, 1.5}, {kCM, 2}, {kTM, 0}};
  SpecialistTables tables = DrawSpecialists(seed, Half::kCalibrate, families, apart);
  for (auto& [specialist, table] : DrawSpecialists(seed + 1, Half::kReport, families, apart)) {
    std::vector<ScoreRow>& rows = tables.at(specialist).rows;
    rows.insert(rows.end(), table.rows.begin(), table.rows.end());
  }
  return tables;
}

RoundFusion Fuse(const SpecialistTables& tables) {
  const auto fused = FuseRound(tables, 1);
  CATCH_INFO(fused.status().ToString());
  CATCH_REQUIRE(fused.ok());
  return *fused;
}

CATCH_TEST_CASE(
    "a round's fusion is fitted on calibrate halves and measured on report halves, against its best "
    "specialist") {
  const RoundFusion round = Fuse(DrawRound(1, 150));
  CATCH_REQUIRE(round.reason.empty());
  CATCH_CHECK(round.best == kCM);
  CATCH_CHECK(round.fusion.left_out.size() == 1);
  CATCH_REQUIRE(round.report.has_value());
  CATCH_CHECK(round.report->reals == 150);
  CATCH_CHECK(round.report->fakes == 300);
  CATCH_CHECK(round.log_loss_change->high < 0);
  CATCH_CHECK(round.report->intervals[0]->estimate > round.report_of_best->intervals[0]->estimate);
  CATCH_CHECK(round.proof.size() == 2);
  const std::string said = DescribeFusion(round);
  CATCH_CHECK(said.starts_with("fused BG, CM: AUC 0."));
  CATCH_CHECK(said.ends_with("against CM alone"));
}

CATCH_TEST_CASE("other labels in the report half change no byte of what is fitted") {
  SpecialistTables tables = DrawRound(2, 60);
  const std::string fitted = ToJson(Fuse(tables).fusion).dump();
  for (auto& [specialist, table] : tables) {
    for (ScoreRow& row : table.rows) {
      if (row.half != Half::kReport) continue;
      row.clip.label = row.clip.label == Label::kReal ? Label::kFake : Label::kReal;
    }
  }
  const RoundFusion turned = Fuse(tables);
  CATCH_CHECK(ToJson(turned.fusion).dump() == fitted);
  CATCH_CHECK(turned.report->intervals[0]->estimate < 0.5);
}

CATCH_TEST_CASE("a round in which nobody knows anything is not fused, and says why") {
  SpecialistTables tables = DrawSpecialists(3, Half::kCalibrate, 100, {{kBG, 0}, {kTM, 0}});
  const RoundFusion round = Fuse(tables);
  CATCH_CHECK(round.reason.find("BG: collapsed") != std::string::npos);
  CATCH_CHECK(ToJson(round)["reason"] == round.reason);
  for (auto& [specialist, table] : tables) {
    std::erase_if(table.rows, [](const ScoreRow& row) { return row.clip.label == Label::kReal; });
  }
  CATCH_CHECK(Fuse(tables).reason.find("no specialist has reals and fakes") == 0);
}

}  // namespace
}  // namespace interceptor::worker
