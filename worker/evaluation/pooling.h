// How the logits of a clip's windows make one. Pure. docs/evaluation.md, "Calibration".
#pragma once

#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "worker/child_protocol/score_table.h"

namespace interceptor::worker {

enum class Pooling {
  kMean,
  kTopMean,  // of the largest third, one at least: a fake may be altered in a part of its length
  kConfidentVote,  // of the windows that are sure of FAKE where two in five are, of REAL where nine in ten are, else of all
};
inline constexpr Pooling kAllPoolings[] = {Pooling::kMean, Pooling::kTopMean, Pooling::kConfidentVote};

std::string_view ToString(Pooling pooling);  // "mean", "top_mean", "confident_vote"
std::optional<Pooling> ParsePooling(std::string_view text);

// REQUIRES: `windows` not empty.
double Pool(std::span<const double> windows, Pooling pooling);

// The row's fused logit under a pooling; as it stands where the table kept no windows.
double FusedLogit(const ScoreRow& row, Pooling pooling);

}  // namespace interceptor::worker
