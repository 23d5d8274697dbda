// All that a round says of one specialist beside its line in the table of results. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include <nlohmann/json.hpp>

#include "absl/status/statusor.h"
#include "common/stats/bootstrap.h"
#include "common/stats/measures.h"
#include "worker/child_protocol/score_table.h"
#include "worker/evaluation/calibrate_half.h"

namespace interceptor::worker {

struct Judgement {
  MeasureTable measures;  // of the logits, all held-out clips
  // Of the report half, before and after calibration; nothing when it lacks a class.
  std::optional<MeasureTable> report;
  std::optional<MeasureTable> report_calibrated;
  // The calibrated ratios of the report half; empty when it lacks a class.
  std::vector<ClipScore> reported;
  int64_t reported_abstained = 0;  // of them those that the specialist abstained from, with ratio 0
  CalibrateHalf calibrate_half;
};

// Of a held-out table. INVALID_ARGUMENT when a class has no clip, or a row may not be fitted on that should be
// (CalibrationRows).
absl::StatusOr<Judgement> JudgeSpecialist(const ScoreTable& table, uint64_t seed);

nlohmann::json ToJson(const Judgement& judgement);
// Null without a table.
nlohmann::json MeasuresJson(const std::optional<MeasureTable>& table);

}  // namespace interceptor::worker
