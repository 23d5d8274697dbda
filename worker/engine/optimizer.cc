#include "worker/engine/optimizer.h"

#include <algorithm>
#include <cmath>

#include "worker/engine/parameter_groups.h"
#include "worker/sampling/schedule.h"

namespace interceptor::worker {

Optimizer::Optimizer(const Recipe& recipe, bool from_given_weights, EfficientNet& net)
    : recipe_(recipe),
      from_given_weights_(from_given_weights),
      net_(net),
      exp_avg_(at::zeros_like(net.arenas().weights)),
      exp_avg_sq_(at::zeros_like(net.arenas().weights)) {
  net_.TrackGradients();
}

void Optimizer::ZeroGradients() { net_.arenas().gradients.zero_(); }

double Optimizer::Step(const OptimizerStep& step) {
  const at::NoGradGuard no_grad;
  // Frozen groups have no gradient: their share of the arena is zero and adds nothing.
  const double norm = net_.arenas().gradients.norm().item<double>();
  if (!std::isfinite(norm)) return norm;
  if (norm > recipe_.gradient_clip) net_.arenas().gradients.mul_(recipe_.gradient_clip / (norm + 1e-6));
  for (int group = step.first_trainable_group; group < kGroups; ++group) {
    // Groups trained from the plan's first step share its warm-up; later ones have their own, shorter one.
    const bool unfrozen_later = group_steps_[group] < group_steps_[kClassifierGroup];
    const int warmup =
        unfrozen_later ? std::min(recipe_.warmup_steps, kUnfrozenWarmupSteps) : recipe_.warmup_steps;
    const double scale = RateScale(recipe_, from_given_weights_, group);
    const double rate = step.learning_rate * scale * Warmup(group_steps_[group], warmup);
    ++group_steps_[group];
    for (const ParameterRange& range : net_.architecture().ranges) {
      if (range.group == group) Update(range, rate);
    }
  }
  return norm;
}

void Optimizer::Update(const ParameterRange& range, double learning_rate) {
  Arenas& arenas = net_.arenas();
  auto part = [&](const at::Tensor& arena) { return arena.narrow(0, range.offset, range.count); };
  at::Tensor weights = part(arenas.weights);
  at::Tensor exp_avg = part(exp_avg_);
  at::Tensor exp_avg_sq = part(exp_avg_sq_);
  const at::Tensor gradients = part(arenas.gradients);
  const auto steps = static_cast<double>(group_steps_[range.group]);
  const double correction1 = 1.0 - std::pow(recipe_.beta1, steps);
  const double correction2 = 1.0 - std::pow(recipe_.beta2, steps);

  if (range.decays) weights.mul_(1.0 - learning_rate * recipe_.weight_decay);
  exp_avg.mul_(recipe_.beta1).add_(gradients, 1.0 - recipe_.beta1);
  exp_avg_sq.mul_(recipe_.beta2).addcmul_(gradients, gradients, 1.0 - recipe_.beta2);
  const at::Tensor root = exp_avg_sq.sqrt().div_(std::sqrt(correction2)).add_(recipe_.epsilon);
  weights.addcdiv_(exp_avg, root, -learning_rate / correction1);
}

}  // namespace interceptor::worker
