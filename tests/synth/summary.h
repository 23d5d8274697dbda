// Joins a trainer's score tables with what was planted, and the null data for the same question.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace interceptor::synth {

// {"BG": {"auc": 0.8, "reals": 50, "fakes": 70, "auc_by_kind": {"AV": 0.7, "BG": 0.9, ...}}, ...}
// A score table is CSV with a header that has chunk, clip, label (REAL, FAKE) and logit; its file name begins
// with the specialist ("BG.csv", "BG-03.csv"); tables of one specialist are pooled. A mixed fake counts under
// every kind planted in it, and every real counts under all kinds; a kind without fakes is left out.
// {"LL_auc_by_light_of_reals": {"dark": 0.9, "bright": 0.95}} stands beside it: LL fakes are dark, so against
// bright reals brightness alone may decide. An empty `truth_path` leaves both out.
absl::StatusOr<nlohmann::json> Summarize(const std::string& truth_path,
                                         const std::vector<std::string>& score_paths);

// Copies the chunks of `data` to `out` with labels drawn anew: in each family one clip, drawn at random,
// becomes the original and all others its fakes. Whoever learns from it can learn nothing.
absl::Status ShuffleLabels(const std::string& data, const std::string& out, uint64_t seed);

}  // namespace interceptor::synth
