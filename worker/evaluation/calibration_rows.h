// What may be fitted on. Everything that is fitted (calibration, bias, promotion) takes CalibrationRows, which no row of
// the report half can enter, so that nothing is ever fitted on what is reported. Pure.
#pragma once

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "worker/child_protocol/score_table.h"

namespace interceptor::worker {

class CalibrationRows {
 public:
  // INVALID_ARGUMENT names the first row that may not be fitted on: a held-out family's of the report half (in a
  // look-ahead table too), one whose `half` is not its family's, one in a held-out table whose family is trained on.
  static absl::StatusOr<CalibrationRows> Create(ScoreTable table, int held_out_fold);

  // Those of them that are wanted, for cross-validation.
  CalibrationRows Only(const std::function<bool(const ScoreRow&)>& wanted) const;

  const std::vector<ScoreRow>& rows() const { return table_.rows; }
  const std::vector<std::string>& attributes() const { return table_.attributes; }

 private:
  explicit CalibrationRows(ScoreTable table) : table_(std::move(table)) {}

  ScoreTable table_;
};

struct SplitTable {
  ScoreTable calibrate;
  ScoreTable report;
};

// The rows of held-out families of the report half, and all others.
SplitTable SplitByHalf(const ScoreTable& table, int held_out_fold);

}  // namespace interceptor::worker
