// AdamW over the flat arenas (Loshchilov, Hutter, "Decoupled weight decay regularization", ICLR 2019), fp32.
// A group frozen for now is left alone and keeps its own count of steps, so one unfrozen later starts its
// bias correction and its warm-up from zero. One thread.
#pragma once

#include <array>
#include <cstdint>

#include "worker/models/efficientnet.h"
#include "worker/sampling/recipe.h"

namespace interceptor::worker {

struct OptimizerStep {
  double learning_rate = 0;  // before warm-up and group scales
  int first_trainable_group = 0;
};

class Optimizer {
 public:
  // Makes `net` track gradients. Groups learn at their RateScale.
  Optimizer(const Recipe& recipe, bool from_given_weights, EfficientNet& net);

  // Clips the gradient to recipe.gradient_clip by its norm, updates the trainable groups and returns the norm
  // before clipping; with nothing changed when it is not finite.
  double Step(const OptimizerStep& step);

  void ZeroGradients();

  std::array<int64_t, kGroups>& group_steps() { return group_steps_; }
  at::Tensor& exp_avg() { return exp_avg_; }
  at::Tensor& exp_avg_sq() { return exp_avg_sq_; }

 private:
  void Update(const ParameterRange& range, double learning_rate);

  const Recipe recipe_;
  const bool from_given_weights_;
  EfficientNet& net_;
  at::Tensor exp_avg_;  // arena order, as its square's
  at::Tensor exp_avg_sq_;
  std::array<int64_t, kGroups> group_steps_ = {};
};

}  // namespace interceptor::worker
