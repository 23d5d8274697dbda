// One network that learns: the wall behind which LibTorch lives. Plain values in and out, exceptions caught
// here and turned into Status. Every random draw follows from (seed, specialist, step), so a step is a pure
// function of the state and its input for one build, thread count and CPU capability. One thread at a time.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "worker/models/architecture.h"
#include "worker/models/engine_facts.h"
#include "worker/models/scorer.h"
#include "worker/sampling/recipe.h"
#include "worker/sampling/types.h"
#include "worker/store/frame_batch.h"

namespace interceptor::worker {

struct LearnerOptions {
  ModelSettings model;
  Recipe recipe;
  SpecialistName specialist = SpecialistName::kBG;
  uint64_t seed = 1;
  std::string device = "cpu";  // "cpu", "cuda:N" or "auto"
  int threads = 1;
  // On a GPU, compute in bf16 where LibTorch's autocast rules allow; the CPU computes in fp32 always.
  bool bf16_on_gpu = true;
  // The backbone's weights come from a file that the plan names, by Load: BatchNorm's statistics stay as they
  // are, and the backbone learns at recipe.backbone_learning_rate_scale. Otherwise both are trained in full
  // from scratch.
  bool from_given_weights = false;
};

// A training state in host memory; sizes follow from the architecture. Moments are held in one of the two
// forms.
struct HostState {
  std::vector<float> weights;
  std::vector<float> statistics;
  std::vector<int64_t> counters;
  std::vector<int64_t> group_steps;
  std::vector<float> exp_avg;
  std::vector<float> exp_avg_sq;
  std::vector<uint16_t> exp_avg_bf16;
  std::vector<uint16_t> exp_avg_sq_bf16;
};

struct StepInput {
  const FrameBatch* batch = nullptr;
  std::span<const float> weights;  // of each sample's loss; empty: all 1
  const CurriculumStage* stage = nullptr;
  double learning_rate = 0;
  int64_t step = 0;  // of the run, before this one
};

struct StepResult {
  // Not finite where the step was not taken.
  double loss = 0;
  double gradient_norm = 0;  // before clipping
  bool taken = true;
};

// Logits and gradients of the mean cross-entropy for given inputs, for comparison with other implementations.
struct ProbeInput {
  std::span<const float> pictures;  // [count, 3, side, side], normalised
  std::span<const int64_t> labels;
  int side = 0;
  bool training = false;  // BatchNorm by the batch; dropout and stochastic depth off
};

struct ProbeResult {
  std::vector<float> logits;     // [count, classes]
  std::vector<float> gradients;  // arena order
};

class Learner : public Scorer {
 public:
  // NOT_FOUND when the device is not there.
  static absl::StatusOr<std::unique_ptr<Learner>> Create(const LearnerOptions& options);

  virtual const Architecture& architecture() const = 0;
  virtual const EngineFacts& facts() const = 0;

  // One optimizer step. Where loss or gradient is not finite it is tried once more in fp32, if it was not so already;
  // if that helps nothing it is not taken and the state stays as it was.
  virtual absl::StatusOr<StepResult> Step(const StepInput& input) = 0;

  virtual absl::StatusOr<ProbeResult> Probe(const ProbeInput& input) = 0;

  // These three fill `state` and fail with INTERNAL: a GPU reports an error of an earlier step at the next
  // copy.
  // REQUIRES: `state` comes from MakeHostState for this architecture.
  //
  // Rounds the live moments to bf16 and leaves the rounded values in `state`. Done on the rounding grid
  // whether or not anything is captured, so it is no part of a save's cost.
  virtual absl::Status RoundMoments(HostState& state) = 0;
  // Copies everything but the moments: after RoundMoments, all that a published checkpoint needs.
  virtual absl::Status CaptureWeights(HostState& state) = 0;
  // Copies everything, moments in fp32.
  virtual absl::Status CaptureAll(HostState& state) = 0;
  // Takes over a state. INVALID_ARGUMENT when its sizes are not this architecture's.
  virtual absl::Status Load(const HostState& state) = 0;
};

// Buffers of the right size, touched once so that a capture meets no page fault.
HostState MakeHostState(const Architecture& architecture, bool bf16_moments);

}  // namespace interceptor::worker
