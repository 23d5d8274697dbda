// The evaluations of a run, from a chunk's clips to score table and event: look-ahead before a chunk,
// validation within, held-out after it. The learner is read and never changed. One thread.
#pragma once

#include <functional>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "common/io/file_system.h"
#include "worker/engine/checkpoint.h"
#include "worker/engine/chunk_data.h"
#include "worker/engine/control.h"
#include "worker/engine/evaluator.h"
#include "worker/engine/learner.h"
#include "worker/engine/start.h"

namespace interceptor::worker {

class RunEvaluator {
 public:
  // `progress` is called after every batch of pictures. All that is referred to outlives it.
  RunEvaluator(const FileSystem& files, const TrainerOptions& options, Control& control, Learner& learner,
               std::function<void(const ChunkOrder&)> progress)
      : files_(files),
        options_(options),
        control_(control),
        learner_(learner),
        progress_(std::move(progress)) {}

  // The whole chunk, judged before anything is learned from it: honest cross-validation, and the curriculum's
  // measure of difficulty. Returns the loss of each base clip; none for the first chunk, and where the plan
  // asks for none.
  absl::StatusOr<std::vector<float>> LookAhead(const ChunkOrder& order, const ChunkData& data, int64_t step);
  // After a chunk: its held-out clips and all earlier ones', and the bias on them, which with `sampling` of the chunk
  // decides how the next one is sampled.
  absl::Status ScoreHeldOut(const ChunkOrder& order, const ChunkData& data, int64_t step,
                            const std::vector<SamplingWeight>& sampling);
  // Within a chunk (validation.h): compares with `state` and brings it up to date.
  absl::Status Validate(const ChunkOrder& order, const ChunkData& data, int64_t step, ValidationState& state);

 private:
  absl::StatusOr<std::vector<ClipLogits>> Score(const ChunkOrder& order, const ClipList& list);
  // What only one kind of evaluation has.
  using Finish = std::function<absl::Status(const ScoreTable& table, Evaluation& evaluation)>;
  absl::Status Report(const ChunkOrder& order, const ClipList& list, const std::vector<ClipLogits>& logits,
                      EvaluationKind kind, int64_t step, const Finish& finish);

  const FileSystem& files_;
  const TrainerOptions& options_;
  Control& control_;
  Learner& learner_;
  const std::function<void(const ChunkOrder&)> progress_;
};

}  // namespace interceptor::worker
