// Score tables of several specialists of the same clips, as tests of the fusion need them.
#pragma once

#include <algorithm>
#include <map>
#include <string>
#include <utility>

#include "tests/support/catch.h"
#include "tests/support/score_rows.h"
#include "worker/evaluation/calibration_rows.h"
#include "worker/integrate/fusion_rows.h"

namespace interceptor::worker {

using SpecialistTables = std::map<SpecialistName, ScoreTable>;

// A real and two fakes of each family. Each specialist's normal scores lie `apart` for fakes and reals, independent of the
// others' given the label; 0 is a collapsed one.
inline SpecialistTables DrawSpecialists(uint64_t seed, Half half, int families,
                                        const std::map<SpecialistName, double>& apart) {
  SpecialistTables tables;
  for (const auto& [specialist, distance] : apart) {
    const RandomKey key = MakeRandomKey(seed, "fusion sample", {static_cast<uint64_t>(specialist)});
    ScoreTable& table = tables[specialist];
    for (uint64_t i = 0; i < static_cast<uint64_t>(families) * 3; ++i) {
      const std::string& family = FamilyOfHalf(half, i / 3);
      const Label label = i % 3 == 0 ? Label::kReal : Label::kFake;
      const double side = label == Label::kFake ? distance / 2 : -distance / 2;
      table.rows.push_back(MakeScoreRow(Cat(family, " ", i % 3), family, label, side + RandomNormal(key, i)));
    }
  }
  return tables;
}

// `to` says what `from` says, and noise of that deviation.
inline void CopyWithNoise(SpecialistTables& tables, SpecialistName from, SpecialistName to, double noise,
                          uint64_t seed) {
  const RandomKey key = MakeRandomKey(seed, "copied with noise", {static_cast<uint64_t>(to)});
  tables[to] = tables[from];
  uint64_t counter = 0;
  for (ScoreRow& row : tables[to].rows) row.logit += noise * RandomNormal(key, counter++);
}

inline std::map<SpecialistName, CalibrationRows> ToFitOn(const SpecialistTables& tables) {
  std::map<SpecialistName, CalibrationRows> rows;
  for (const auto& [specialist, table] : tables) {
    auto made = CalibrationRows::Create(table, 0);
    CATCH_REQUIRE(made.ok());
    rows.emplace(specialist, *std::move(made));
  }
  return rows;
}

// REQUIRES: `tables` outlives what is returned.
inline SpecialistRows RowsOf(const SpecialistTables& tables) {
  SpecialistRows rows;
  for (const auto& [specialist, table] : tables) rows[specialist] = table.rows;
  return rows;
}

}  // namespace interceptor::worker
