// Scores clips of a run and sums the scores up: held-out evaluation after a chunk, look-ahead before one.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/facts/evaluation.h"
#include "worker/child_protocol/score_table.h"
#include "worker/engine/chunk_data.h"
#include "worker/engine/learner.h"
#include "worker/models/clip_scores.h"

namespace interceptor::worker {

// Clip by clip, index for index.
absl::StatusOr<std::vector<ClipLogits>> ScoreClips(Learner& learner, const ClipList& list,
                                                   const ScoringOptions& options);

// `with_parts`: of a network with a front end.
ScoreTable MakeScoreTable(const ClipList& list, const std::vector<ClipLogits>& logits, EvaluationKind kind,
                          int64_t step, bool with_parts);

// The figures alone. Nothing when a class is missing. The intervals' draws follow from `seed`.
absl::StatusOr<std::optional<Evaluation>> Summarise(const ClipList& list,
                                                    const std::vector<ClipLogits>& logits, uint64_t seed);

// Cross-entropy of each clip: how hard the curriculum takes it to be.
std::vector<float> ClipLosses(const ClipList& list, const std::vector<ClipLogits>& logits);

}  // namespace interceptor::worker
