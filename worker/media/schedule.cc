#include "worker/media/schedule.h"

#include <algorithm>
#include <numeric>
#include <set>

namespace interceptor::worker {
namespace {

int64_t NearestFrame(std::span<const double> seconds, double time) {
  const auto after = std::lower_bound(seconds.begin(), seconds.end(), time);
  if (after == seconds.begin()) return 0;
  const auto before = after - 1;
  const bool later = after != seconds.end() && *after - time < time - *before;
  return (later ? after : before) - seconds.begin();
}

constexpr int64_t kColumnsPerFrame = kMelColumns / kMouthFrames;

MouthWindow WindowAt(int64_t first_column, int64_t frames, std::span<const double> seconds) {
  MouthWindow window{first_column, {}};
  for (int64_t i = 0; i < frames; ++i) {
    const int64_t position = first_column / kColumnsPerFrame + i;
    window.frames.push_back(NearestFrame(seconds, static_cast<double>(position) * kMouthPeriodSeconds));
  }
  return window;
}

}  // namespace

std::vector<int64_t> Schedule::Frames() const {
  std::set<int64_t> frames(samples.begin(), samples.end());
  for (const auto& burst : bursts) frames.insert(burst.begin(), burst.end());
  for (const MouthWindow& window : windows) frames.insert(window.frames.begin(), window.frames.end());
  return {frames.begin(), frames.end()};
}

std::vector<int64_t> EvenlySpread(int64_t frames, int count) {
  const int64_t taken = std::min<int64_t>(frames, count);
  std::vector<int64_t> indices;
  for (int64_t k = 0; k < taken; ++k) indices.push_back((2 * k + 1) * frames / (2 * taken));
  return indices;
}

std::vector<int64_t> SpreadOverReferences(int64_t frames, int count,
                                          const std::function<int64_t(int64_t)>& nearest_reference) {
  std::vector<int64_t> chosen = EvenlySpread(frames, count);
  const auto parts = static_cast<int64_t>(chosen.size());
  for (int64_t k = 0; k < parts; ++k) {
    int64_t& index = chosen[static_cast<size_t>(k)];
    const int64_t reference = nearest_reference(index);
    if (reference >= k * frames / parts && reference < (k + 1) * frames / parts) index = reference;
  }
  return chosen;
}

std::vector<std::array<int64_t, kBurstFrames>> PlaceBursts(int64_t frames) {
  std::vector<std::array<int64_t, kBurstFrames>> bursts;
  const auto count = static_cast<int>(std::min<int64_t>(kBursts, frames / kBurstFrames));
  for (int k = 0; k < count; ++k) {
    const int64_t middle = (2 * k + 1) * frames / (2 * count);
    const int64_t first = std::clamp<int64_t>(middle - kBurstFrames / 2, 0, frames - kBurstFrames);
    auto& burst = bursts.emplace_back();
    std::iota(burst.begin(), burst.end(), first);
  }
  return bursts;
}

std::vector<MouthWindow> PlaceMouthWindows(std::span<const double> level, std::span<const double> seconds) {
  constexpr int64_t kColumnsMin = 100;
  const auto columns = static_cast<int64_t>(level.size());
  if (columns < kColumnsMin) return {};
  if (columns < kMelColumns) return {WindowAt(0, columns / kColumnsPerFrame, seconds)};
  std::vector<double> sums(level.size() + 1, 0.0);
  std::partial_sum(level.begin(), level.end(), sums.begin() + 1);
  const auto sum = [&](int64_t first) {
    return sums[static_cast<size_t>(first + kMelColumns)] - sums[static_cast<size_t>(first)];
  };
  std::vector<int64_t> chosen;
  while (chosen.size() < kMouthWindows) {
    int64_t best = -1;
    for (int64_t first = 0; first + kMelColumns <= columns; first += kColumnsPerFrame) {
      const bool is_free = std::all_of(chosen.begin(), chosen.end(), [first](int64_t taken) {
        return first + kMelColumns <= taken || taken + kMelColumns <= first;
      });
      if (is_free && (best < 0 || sum(first) > sum(best))) best = first;
    }
    if (best < 0) break;
    chosen.push_back(best);
  }
  std::sort(chosen.begin(), chosen.end());
  std::vector<MouthWindow> windows;
  for (const int64_t first : chosen) windows.push_back(WindowAt(first, kMouthFrames, seconds));
  return windows;
}

}  // namespace interceptor::worker
