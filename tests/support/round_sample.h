// The results of a round as tests of its report need them.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/support/catch.h"
#include "tests/support/fusion_sample.h"
#include "worker/integrate/results.h"

namespace interceptor::worker {

// Held-out tables of both halves, with the brightness of each clip: a third of the families is dark. BG and CM know something,
// TM nothing; BG takes dark reals for fakes.
inline SpecialistTables DrawRoundTables(uint64_t seed, int families) {
  const std::map<SpecialistName, double> apart = {
      {SpecialistName::kBG, 1.5}, {SpecialistName::kCM, 2}, {SpecialistName::kTM, 0}};
  SpecialistTables tables = DrawSpecialists(seed, Half::kCalibrate, families, apart);
  for (auto& [specialist, table] : DrawSpecialists(seed + 1, Half::kReport, families, apart)) {
    std::vector<ScoreRow>& rows = tables.at(specialist).rows;
    rows.insert(rows.end(), table.rows.begin(), table.rows.end());
  }
  for (auto& [specialist, table] : tables) {
    table.attributes = {"brightness"};
    for (size_t i = 0; i < table.rows.size(); ++i) {
      ScoreRow& row = table.rows[i];
      const bool dark = i / 3 % 3 == 0;
      row.attributes = {dark ? 0.1 : 0.4};
      if (dark && specialist == SpecialistName::kBG && row.clip.label == Label::kReal) row.logit += 2;
    }
  }
  return tables;
}

inline RoundResults ResultsOf(const SpecialistTables& tables) {
  RoundResults results{.chunk = 3, .chunk_name = "03", .specialists = {}, .absent = {}};
  for (const auto& [specialist, table] : tables) {
    auto result = Summarise(ToString(specialist), table, 1);
    CATCH_REQUIRE(result.ok());
    results.specialists.push_back(*std::move(result));
  }
  auto fusion = FuseRound(tables, 1);
  CATCH_INFO(fusion.status().ToString());
  CATCH_REQUIRE(fusion.ok());
  results.fusion = *std::move(fusion);
  return results;
}

inline void KeepHalf(SpecialistTables& tables, Half half) {
  for (auto& [specialist, table] : tables) {
    std::erase_if(table.rows, [half](const ScoreRow& row) { return row.half != half; });
  }
}

}  // namespace interceptor::worker
