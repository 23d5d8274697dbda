// Scores clips and sums the scores up: held-out evaluation after a chunk, look-ahead before one. A clip's
// score is the mean logit over evenly spread moments at the serving size.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/facts/evaluation.h"
#include "worker/child_protocol/score_table.h"
#include "worker/engine/chunk_data.h"
#include "worker/engine/learner.h"

namespace interceptor::worker {

// Logits of a clip, positive for FAKE. One that lacks the specialist's views is abstained from: its logits are
// 0, which speaks for neither.
struct ClipLogits {
  double fused = 0;  // what counts
  double backbone = 0;
  double evidence = 0;
  double self_made = 0;
  bool abstained = false;
  std::vector<double> windows = {};  // fused, of each moment looked at
};

struct ScoringOptions {
  std::span<const View> views;  // the specialist's
  int frames_per_clip = 16;
  // Called after every batch of pictures with the share of clips done.
  std::function<void(double)> progress;
};

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
