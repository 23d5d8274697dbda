// Test helper: a bias with every field set, to values that are exact in every form.
#pragma once

#include "common/facts/bias.h"

namespace interceptor {

inline Bias SampleBias() {
  SliceBias dark{.attribute = "brightness",
                 .slice = "dark",
                 .reals = 60,
                 .fakes = 90,
                 .real_families = 55,
                 .fake_families = 40,
                 .auc = 0.625,
                 .real_fake = {-0.5, -0.75, -0.25, false},
                 .false_positive = {0.5, 0.25, 0.75, false},
                 .false_negative = {},
                 .false_positive_p = 0.015625,
                 .alarm = true};
  BiasReport after{.calibrated = true,
                   .reals = 200,
                   .fakes = 300,
                   .abstained = 4,
                   .real_fake = {0.125, -0.25, 0.25, false},
                   .spread = 0.875,
                   .called_fake = 0.5,
                   .slices = {dark}};
  BiasReport before = after;
  before.calibrated = false;
  before.collapsed = before.one_class = true;
  before.slices.clear();
  return {.before = before,
          .after = after,
          .next_sampling = {{"brightness", "dark", false, 0.25}, {"has_sound", "silent", true, 0.125}}};
}

}  // namespace interceptor
