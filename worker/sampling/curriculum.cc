#include "worker/sampling/curriculum.h"

#include <algorithm>
#include <cmath>
#include <tuple>

namespace interceptor::worker {
namespace {

constexpr double kSuspectShare = 0.05;

}  // namespace

std::vector<uint32_t> EasiestFirst(std::span<const uint32_t> order, std::span<const float> losses,
                                   double pace) {
  std::vector<uint32_t> result(order.begin(), order.end());
  const auto easy_count = static_cast<size_t>(std::ceil(std::clamp(pace, 0.0, 1.0) * result.size()));
  if (easy_count >= result.size() || losses.empty()) return result;
  auto ease = [&](uint32_t clip) {
    const float loss = losses[clip];
    return std::tuple(std::isnan(loss) ? -1.0f : loss, clip);
  };
  std::vector<uint32_t> by_ease = result;
  std::ranges::sort(by_ease, {}, ease);
  if (easy_count == 0) return result;
  const auto limit = ease(by_ease[easy_count - 1]);
  std::stable_partition(result.begin(), result.end(), [&](uint32_t clip) { return ease(clip) <= limit; });
  return result;
}

std::vector<float> LossWeights(std::span<const float> losses) {
  std::vector<uint32_t> known;
  for (uint32_t clip = 0; clip < losses.size(); ++clip) {
    if (!std::isnan(losses[clip])) known.push_back(clip);
  }
  std::ranges::sort(known, {}, [&](uint32_t clip) { return std::tuple(losses[clip], clip); });
  std::vector<float> weights(losses.size(), 1.0f);
  const size_t trusted = known.size() - static_cast<size_t>(std::ceil(kSuspectShare * known.size()));
  for (size_t rank = 0; rank < known.size(); ++rank) {
    const double share = known.size() > 1 ? static_cast<double>(rank) / (known.size() - 1) : 0.5;
    double weight = std::clamp(0.75 + 0.5 * share, kLossWeightMin, kLossWeightMax);
    if (rank >= trusted) weight = std::min(weight, 1.0);
    weights[known[rank]] = static_cast<float>(weight);
  }
  return weights;
}

}  // namespace interceptor::worker
