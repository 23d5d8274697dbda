#include "worker/evaluation/calibration_rows.h"

#include <algorithm>
#include <iterator>

#include "common/base/status.h"

namespace interceptor::worker {
namespace {

bool IsReported(const ClipInfo& clip, int held_out_fold) {
  return clip.fold == held_out_fold && HalfOf(clip.family) == Half::kReport;
}

}  // namespace

absl::StatusOr<CalibrationRows> CalibrationRows::Create(ScoreTable table, int held_out_fold) {
  for (const ScoreRow& row : table.rows) {
    const auto refuse = [&](const auto&... why) {
      return InvalidArgument("nothing may be fitted on clip ", row.clip.chunk, "/", row.clip.name, ": ",
                             why...);
    };
    if (row.half != HalfOf(row.clip.family)) {
      return refuse("its row names the other half than its family ", row.clip.family, " has");
    }
    if (IsReported(row.clip, held_out_fold)) return refuse("family ", row.clip.family, " is reported on");
    if (row.split == EvaluationKind::kHeldOut && row.clip.fold != held_out_fold) {
      return refuse("it is of fold ", row.clip.fold, ", which is trained on; held out is fold ",
                    held_out_fold);
    }
  }
  return CalibrationRows(std::move(table));
}

CalibrationRows CalibrationRows::Only(const std::function<bool(const ScoreRow&)>& wanted) const {
  ScoreTable table{.plan_digest = table_.plan_digest, .attributes = table_.attributes, .rows = {}};
  std::copy_if(rows().begin(), rows().end(), std::back_inserter(table.rows), wanted);
  return CalibrationRows(std::move(table));
}

SplitTable SplitByHalf(const ScoreTable& table, int held_out_fold) {
  SplitTable split;
  for (ScoreTable* each : {&split.calibrate, &split.report}) {
    each->plan_digest = table.plan_digest;
    each->attributes = table.attributes;
  }
  for (const ScoreRow& row : table.rows) {
    (IsReported(row.clip, held_out_fold) ? split.report : split.calibrate).rows.push_back(row);
  }
  return split;
}

}  // namespace interceptor::worker
