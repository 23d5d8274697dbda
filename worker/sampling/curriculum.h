// Progressive learning by clip: which clips come first and how much each counts. It only orders the base
// stream and bends loss weights within [0.5, 1.5]; it never drops or repeats a clip. Pure.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace interceptor::worker {

inline constexpr double kLossWeightMin = 0.5;
inline constexpr double kLossWeightMax = 1.5;

// Reorders `order` (clip indices) so that the easiest `pace` share by `losses[clip]` comes first; inside both
// parts the given order stays. Clips without a loss (NaN) count as easy. pace >= 1 changes nothing.
std::vector<uint32_t> EasiestFirst(std::span<const uint32_t> order, std::span<const float> losses,
                                   double pace);

// A weight for each clip by the rank of its loss: 0.75 for the easiest to 1.25 for the hardest, but at most 1
// for the hardest 5 % (wrong labels, fakes that only the sound gives away) and 1 where the loss is unknown
// (NaN).
std::vector<float> LossWeights(std::span<const float> losses);

}  // namespace interceptor::worker
