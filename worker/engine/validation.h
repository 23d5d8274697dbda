// Watches a run for overfitting: every so many steps the same held-out clips are scored, and their log loss
// is compared with the best so far, clip by clip. Nothing that is learned depends on it.
#pragma once

#include <cstdint>
#include <vector>

#include "absl/status/status.h"
#include "common/facts/evaluation.h"
#include "worker/engine/checkpoint.h"
#include "worker/engine/chunk_data.h"
#include "worker/engine/evaluator.h"

namespace interceptor::worker {

inline constexpr int kValidationClipsPerClass = 100;

// Of the calibration half of `held_out`, kValidationClipsPerClass clips of each class, or all where there are
// fewer: those whose names have the lowest hashes. So it depends on the clips alone, and the sample of a
// longer list has no clip of a shorter one that the shorter one's sample lacks.
ClipList ValidationSample(const ClipList& held_out);

// Sets what only a validation has of `evaluation`, and brings `state` up to date. It is worse than the best
// one when the interval of the paired difference lies above 0; the difference is taken over the clips that
// both have seen. The intervals' draws follow from `seed`.
// REQUIRES: evaluation.step is set, and `sample` has both classes.
absl::Status CompareWithBest(const ClipList& sample, const std::vector<ClipLogits>& logits, uint64_t seed,
                             ValidationState& state, Evaluation& evaluation);

}  // namespace interceptor::worker
