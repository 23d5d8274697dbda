// Scores clips and sums the scores up: held-out evaluation after a chunk, look-ahead before one. A clip's
// score is the mean logit over evenly spread frames at the serving size.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/facts/evaluation.h"
#include "worker/engine/chunk_data.h"
#include "worker/engine/learner.h"

namespace interceptor::worker {

struct ScoringOptions {
  int frames_per_clip = 16;
  // Called after every batch of pictures with the share of clips done.
  std::function<void(double)> progress;
};

// Logits by clip, positive for FAKE, index for index.
absl::StatusOr<std::vector<double>> ScoreClips(Learner& learner, const ClipList& list,
                                               const ScoringOptions& options);

// docs/child-protocol.md, "Score table".
std::string ScoreTable(const ClipList& list, const std::vector<double>& logits, EvaluationKind kind,
                       int64_t step);

// The figures alone. Nothing when a class is missing. The intervals' draws follow from `seed`.
absl::StatusOr<std::optional<Evaluation>> Summarise(const ClipList& list, const std::vector<double>& logits,
                                                    uint64_t seed);

// Cross-entropy of each clip: how hard the curriculum takes it to be.
std::vector<float> ClipLosses(const ClipList& list, const std::vector<double>& logits);

}  // namespace interceptor::worker
