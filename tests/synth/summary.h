// Joins a trainer's score tables with what was planted, and the null data for the same question.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace interceptor::synth {

// Of each specialist, what its scores say:
//   {"BG": {"auc": 0.8, "reals": 50, "fakes": 70,
//           "auc_by_kind": {"AV": {"auc": 0.7, "low": 0.6, "high": 0.8, "fakes": 40, "too_few": false}, ...},
//           "LL_auc_by_light_of_reals": {"dark": 0.9, "bright": 0.95},
//           "gap": {"uncalibrated": 0.3, "calibrated": 0.02}}, ...}
// `auc_by_kind`: the fakes that carry this kind alone against all reals, with a 95 % interval over families
// (common/stats/bootstrap.h, which also says when families are too few for it); a kind without such fakes is
// left out. LL fakes are dark, so against bright reals brightness alone may decide: both lights apart. An empty
// `truth_path` leaves both out.
// `gap`: accuracy on reals - accuracy on fakes at even odds, of the logits and of ratios that are calibrated crosswise: each
// half of the families by what the other half teaches; null under 30 families of a class in a half. Only of tables
// that were looked ahead at.
// A score table's (worker/child_protocol/score_table.h) file name begins with the specialist ("BG.csv",
// "BG-03.csv"); tables of one specialist are pooled. INVALID_ARGUMENT for a clip that stands in two of them.
absl::StatusOr<nlohmann::json> Summarize(const std::string& truth_path,
                                         const std::vector<std::string>& score_paths);

// Copies the chunks of `data` to `out` with labels drawn anew: in each family one clip, drawn at random,
// becomes the original and all others its fakes. Whoever learns from it can learn nothing.
absl::Status ShuffleLabels(const std::string& data, const std::string& out, uint64_t seed);

}  // namespace interceptor::synth
