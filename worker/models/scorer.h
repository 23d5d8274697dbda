// A network that judges: forward only. No LibTorch in this header; exceptions are caught behind it. One
// thread at a time.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "worker/sampling/recipe.h"
#include "worker/store/frame_batch.h"

namespace interceptor::worker {

// Logits for FAKE minus logits for REAL.
struct SampleScore {
  float fused = 0;     // what counts
  float backbone = 0;  // of the backbone's features alone
  // Without a front end 0:
  float evidence = 0;   // of the front end's evidence alone
  float self_made = 0;  // of its output for altered reals (models/self_made.h)

  friend bool operator==(const SampleScore&, const SampleScore&) = default;
};

class Scorer {
 public:
  virtual ~Scorer() = default;
  // Of each sample, in evaluation mode at the serving size.
  virtual absl::StatusOr<std::vector<SampleScore>> Score(const SpecialistInput& input) = 0;
};

struct ScorerOptions {
  ModelSettings model;
  SpecialistName specialist = SpecialistName::kBG;
  std::string device = "cpu";  // "cpu", "cuda:N" or "auto"
  int threads = 1;
  bool bf16_on_gpu = true;  // as LearnerOptions
};

// One of given weights and BatchNorm statistics in arena order (HostState), which holds neither gradients nor
// moments. NOT_FOUND when the device is not there, INVALID_ARGUMENT when the sizes are not the
// architecture's.
absl::StatusOr<std::unique_ptr<Scorer>> MakeScorer(const ScorerOptions& options,
                                                   const std::vector<float>& weights,
                                                   const std::vector<float>& statistics);

}  // namespace interceptor::worker
