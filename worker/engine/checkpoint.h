// A checkpoint file: everything needed to go on exactly, in safetensors. Weights and BatchNorm buffers carry
// torchvision's names, so Python loads them as they are; beside them stand `optimizer.exp_avg.<name>` and
// `optimizer.exp_avg_sq.<name>` (bf16 in a published file, fp32 in a recovery snapshot),
// `optimizer.group_steps` and `sampler.loss`. What the state means stands in the metadata strings. No
// LibTorch; any thread.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/facts/bias.h"
#include "common/io/file_system.h"
#include "worker/engine/learner.h"
#include "worker/models/architecture.h"
#include "worker/sampling/types.h"

namespace interceptor::worker {

// What a run remembers from one validation to the next.
struct ValidationState {
  int64_t best_step = 0;
  int worse_in_a_row = 0;
  // Log loss of each clip at the best step, by "chunk/name"; empty: none yet.
  std::map<std::string, double> best_losses;

  friend bool operator==(const ValidationState&, const ValidationState&) = default;
};

struct CheckpointInfo {
  SpecialistName specialist = SpecialistName::kBG;
  std::string plan_digest;
  std::vector<std::string> manifests;  // digests of the data manifests trained on, in order
  Cursor cursor;                       // the next batch
  int64_t step = 0;                    // optimizer steps taken
  double training_seconds = 0;
  EngineFacts facts;
  // Whether the run started from weights that the plan names.
  bool from_given_weights = false;
  // A batch that was left out because its step came out not finite; empty: none. A run has at most one.
  std::string left_out_batch;
  ValidationState validation;
  // How the chunk of the last step was sampled (common/facts/bias.h).
  std::vector<SamplingWeight> sampling;
  // Digests of the published checkpoints that this state descends from, oldest first.
  std::vector<std::string> lineage;
};

struct Checkpoint {
  CheckpointInfo info;
  HostState state;
  std::vector<float> losses;  // of the cursor's chunk, per base clip; empty at a chunk's start
};

// The file appears whole or not at all. `state` holds its moments in one form.
absl::Status WriteCheckpoint(const FileSystem& files, const std::string& path,
                             const Architecture& architecture, const CheckpointInfo& info,
                             const HostState& state, const std::vector<float>& losses);

// NOT_FOUND; DATA_LOSS when the bytes are not what was written; FAILED_PRECONDITION for another architecture,
// for other preprocessing and for a newer version.
absl::StatusOr<Checkpoint> ReadCheckpoint(const FileSystem& files, const std::string& path,
                                          const Architecture& architecture);

// FAILED_PRECONDITION when the checkpoint belongs to another specialist, plan or seed. An empty plan digest
// on either side matches any.
absl::Status CheckBelongs(const CheckpointInfo& info, SpecialistName specialist,
                          const std::string& plan_digest, uint64_t seed);

// `start` with the backbone of a file of weights: every tensor and BatchNorm buffer of `features.*`, by
// torchvision's names. The rest stays `start`'s: a file's classifier tells other classes apart and is not
// read. DATA_LOSS when the digest is not `sha256`; FAILED_PRECONDITION when the file is not there, or naming
// a tensor of the backbone that is missing, of another shape or type, or too many.
absl::StatusOr<HostState> ReadInitialWeights(const FileSystem& files, const std::string& path,
                                             const std::string& sha256, const Architecture& architecture,
                                             HostState start);

}  // namespace interceptor::worker
