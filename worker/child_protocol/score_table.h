// The score table: one specialist's scores of clips that it was not trained on. The trainer writes it, the integrator
// reads it; docs/child-protocol.md, "Score table", is its format. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "common/facts/evaluation.h"
#include "worker/sampling/families.h"
#include "worker/sampling/types.h"

namespace interceptor::worker {

// Logits of the parts of a network with a front end.
struct PartLogits {
  double backbone = 0;
  double evidence = 0;
  double self_made = 0;
};

struct ScoreRow {
  ClipInfo clip;
  Half half = Half::kCalibrate;
  EvaluationKind split = EvaluationKind::kHeldOut;
  int64_t step = 0;                 // of the model
  double logit = 0;                 // the mean over windows, positive for FAKE
  bool abstained = false;           // the clip lacks the specialist's views: its logits are 0
  std::optional<PartLogits> parts;  // means over windows; all rows of a table have them or none
  std::vector<double> windows;      // the logit of each moment looked at, in order; version 1 kept none
  std::vector<double> attributes;   // by ScoreTable::attributes; NaN for one that the clip lacks
};

struct ScoreTable {
  std::string plan_digest;  // empty when a person ran the trainer alone, and in version 1
  std::vector<std::string> attributes;
  std::vector<ScoreRow> rows;
};

// In the newest version. REQUIRES: every row has as many attributes as the table, and parts if the first has.
std::string FormatScoreTable(const ScoreTable& table);

// Reads every version. DATA_LOSS, with the line number where there is one, for anything else: a newer version, a table
// that was cut, a clip that stands in it twice, a number that is none.
absl::StatusOr<ScoreTable> ParseScoreTable(std::string_view text);

}  // namespace interceptor::worker
