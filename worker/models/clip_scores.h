// Scores clips: a clip's logit is the mean over evenly spread moments at the serving size. What trains and what detects
// score alike. No LibTorch.
#pragma once

#include <functional>
#include <span>
#include <vector>

#include "absl/status/statusor.h"
#include "worker/child_protocol/score_table.h"
#include "worker/models/scorer.h"
#include "worker/sampling/types.h"
#include "worker/store/clip_store.h"
#include "worker/store/sample_views.h"

namespace interceptor::worker {

// Logits of a clip, positive for FAKE. One that lacks the specialist's views is abstained from: its logits are
// 0, which speaks for neither.
struct ClipLogits {
  double fused = 0;  // what counts
  double backbone = 0;
  double evidence = 0;
  double self_made = 0;
  bool abstained = false;
  std::vector<SampleScore> windows = {};  // of each moment looked at, in order
};

struct ScoringOptions {
  std::span<const View> views;  // the specialist's
  int frames_per_clip = 16;
  // Called after every batch of pictures with the share of clips done.
  std::function<void(double)> progress = {};
};

using ScoreBatch = std::function<absl::StatusOr<std::vector<SampleScore>>(const SpecialistInput&)>;

// Clip by clip, index for index. Errors of AppendSample (worker/store/sample_views.h) and of `score`.
absl::StatusOr<std::vector<ClipLogits>> ScoreClips(std::span<const StoredClip* const> clips,
                                                   const ScoringOptions& options, const ScoreBatch& score);

// The moments of a clip that ScoreClips looks at: its windows, in order.
std::vector<Moment> ScoredMoments(const StoredClip& clip, const ScoringOptions& options);

// The mean over `windows`; abstained from without any.
ClipLogits MeanOf(std::vector<SampleScore> windows);

// The scores alone of a row. `with_parts`: of a network with a front end.
ScoreRow MakeScoreRow(const ClipLogits& logits, bool with_parts);

}  // namespace interceptor::worker
