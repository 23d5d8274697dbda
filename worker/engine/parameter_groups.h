// How fast each group of parameters learns. Which group a parameter is of, and whether it decays, stands in
// Architecture. Pure; no LibTorch.
#pragma once

#include "worker/models/architecture.h"
#include "worker/sampling/recipe.h"

namespace interceptor::worker {

// What multiplies the learning rate of a group: weights that were given learn slower than those that are new.
inline double RateScale(const Recipe& recipe, bool from_given_weights, int group) {
  return from_given_weights && group != kClassifierGroup ? recipe.backbone_learning_rate_scale : 1.0;
}

}  // namespace interceptor::worker
