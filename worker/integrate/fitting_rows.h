// What a specialist's part in a fusion is fitted on, and what it is reported on. Pure. docs/evaluation.md, "Fusion".
#pragma once

#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "worker/child_protocol/score_table.h"
#include "worker/evaluation/calibration_rows.h"

namespace interceptor::worker {

// Look-ahead tables of a specialist: each of a chunk that it was trained on only afterwards.
using LookAheadTables = std::vector<ScoreTable>;

// Families of each class that a fusion is fitted on, where look-ahead tables have so many.
inline constexpr int64_t kFittingFamilies = 200;

// Of an attribute of clips: the least and the largest value.
struct AttributeRange {
  double low = 0;
  double high = 0;

  // Within a hundredth of its ends, since a rate of 30 frames is measured as 29.97 and 30.02.
  bool Holds(double value) const { return value >= low - 0.01 * low && value <= high + 0.01 * high; }
};

struct FittingRows {
  // The calibrate half of the held-out table; then, from the newest chunk down until kFittingFamilies of each class are there,
  // look-ahead rows of families that no table reports on, scored by the state of that time.
  ScoreTable calibrate;
  ScoreTable report;                                 // the other half
  std::map<std::string, AttributeRange> attributes;  // of the clips in `calibrate`
};

// Look-ahead rows of later states than the held-out table's are left out.
// REQUIRES: `held_out` has rows, all of one fold.
FittingRows MakeFittingRows(const ScoreTable& held_out, const LookAheadTables& look_ahead);

}  // namespace interceptor::worker
