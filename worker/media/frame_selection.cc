#include "worker/media/frame_selection.h"
#include "worker/store/sample_views.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <optional>
#include <set>

namespace interceptor::worker {
namespace {

constexpr double kGapPeriods = 1.5;
constexpr int64_t kColumnsPerFrame = kMelColumns / kMouthFrames;

// The median time between frames; 0 for a single one.
double FramePeriod(std::span<const double> seconds) {
  std::vector<double> steps;
  for (size_t i = 1; i < seconds.size(); ++i) steps.push_back(seconds[i] - seconds[i - 1]);
  return Median(std::move(steps));
}

// The nearest frame, or kNoFrame in the middle of a gap.
int64_t FrameAt(std::span<const double> seconds, double period, double time) {
  const auto after = std::ranges::lower_bound(seconds, time);
  if (after == seconds.begin()) return 0;
  const auto before = after - 1;
  if (after == seconds.end()) return before - seconds.begin();
  if (std::min(*after - time, time - *before) > kGapPeriods / 2 * period) return kNoFrame;
  return (*after - time < time - *before ? after : before) - seconds.begin();
}

MouthWindow WindowAt(int64_t first_column, int64_t frames, std::span<const double> seconds, double period) {
  MouthWindow window{first_column, {}};
  for (int64_t i = 0; i < frames; ++i) {
    const int64_t position = first_column / kColumnsPerFrame + i;
    window.frames.push_back(FrameAt(seconds, period, static_cast<double>(position) * kMouthPeriodSeconds));
  }
  return window;
}

}  // namespace

std::vector<int64_t> FrameSelection::Frames() const {
  std::set<int64_t> frames(samples.begin(), samples.end());
  for (const auto& burst : bursts) frames.insert(burst.begin(), burst.end());
  for (const MouthWindow& window : mouth_windows) frames.insert(window.frames.begin(), window.frames.end());
  frames.erase(kNoFrame);
  return {frames.begin(), frames.end()};
}

double Median(std::vector<double> values) {
  if (values.empty()) return 0;
  const auto middle = values.begin() + std::ssize(values) / 2;
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

std::vector<int64_t> EvenlySpacedReferences(int64_t frames, int count,
                                            const std::function<int64_t(int64_t)>& nearest_reference) {
  std::vector<int64_t> chosen = EvenlySpaced(frames, count);
  const auto parts = static_cast<int64_t>(chosen.size());
  for (int64_t k = 0; k < parts; ++k) {
    int64_t& index = chosen[static_cast<size_t>(k)];
    const int64_t reference = nearest_reference(index);
    if (reference >= k * frames / parts && reference < (k + 1) * frames / parts) index = reference;
  }
  return chosen;
}

std::vector<int64_t> FramesAfterGaps(std::span<const double> seconds) {
  const double period = FramePeriod(seconds);
  std::vector<int64_t> frames;
  for (size_t i = 1; i < seconds.size(); ++i) {
    if (seconds[i] - seconds[i - 1] > kGapPeriods * period) frames.push_back(static_cast<int64_t>(i));
  }
  return frames;
}

std::vector<std::array<int64_t, kBurstFrames>> PlaceBursts(std::span<const double> seconds, int64_t parts) {
  const auto frames = static_cast<int64_t>(seconds.size());
  const std::vector<int64_t> after_gaps = FramesAfterGaps(seconds);
  const auto has_gap = [&after_gaps](int64_t first) {
    const auto next = std::ranges::upper_bound(after_gaps, first);
    return next != after_gaps.end() && *next < first + kBurstFrames;
  };
  std::vector<std::array<int64_t, kBurstFrames>> bursts;
  const int64_t count = std::min(parts, frames / kBurstFrames);
  for (int64_t k = 0; k < count; ++k) {
    const int64_t wanted = (2 * k + 1) * frames / (2 * count) - kBurstFrames / 2;
    std::optional<int64_t> nearest;
    for (int64_t first = k * frames / count; first + kBurstFrames <= (k + 1) * frames / count; ++first) {
      const bool is_nearer = !nearest.has_value() || std::abs(first - wanted) < std::abs(*nearest - wanted);
      if (is_nearer && !has_gap(first)) nearest = first;
    }
    if (!nearest.has_value()) continue;
    auto& burst = bursts.emplace_back();
    std::iota(burst.begin(), burst.end(), *nearest);
  }
  return bursts;
}

std::vector<MouthWindow> PlaceMouthWindows(std::span<const double> level, std::span<const double> seconds) {
  constexpr int64_t kColumnsMin = 100;
  const auto columns = static_cast<int64_t>(level.size());
  if (columns < kColumnsMin) return {};
  const double period = FramePeriod(seconds);
  if (columns < kMelColumns) return {WindowAt(0, columns / kColumnsPerFrame, seconds, period)};
  const double silence = *std::ranges::min_element(level);
  std::vector<double> sums = {0.0};
  for (size_t i = 0; i < level.size(); ++i) {
    const double time = static_cast<double>(i) * kMouthPeriodSeconds / kColumnsPerFrame;
    sums.push_back(sums.back() + (FrameAt(seconds, period, time) == kNoFrame ? silence : level[i]));
  }
  const auto sum = [&](int64_t first) {
    return sums[static_cast<size_t>(first + kMelColumns)] - sums[static_cast<size_t>(first)];
  };
  std::vector<int64_t> chosen;
  while (chosen.size() < kMouthWindows) {
    int64_t best = -1;
    for (int64_t first = 0; first + kMelColumns <= columns; first += kColumnsPerFrame) {
      const bool is_free = std::ranges::all_of(chosen, [first](int64_t taken) {
        return first + kMelColumns <= taken || taken + kMelColumns <= first;
      });
      if (is_free && (best < 0 || sum(first) > sum(best))) best = first;
    }
    if (best < 0) break;
    chosen.push_back(best);
  }
  std::ranges::sort(chosen);
  std::vector<MouthWindow> windows;
  for (const int64_t first : chosen) windows.push_back(WindowAt(first, kMouthFrames, seconds, period));
  return windows;
}

std::vector<MouthWindow> ConsecutiveMouthWindows(int64_t columns, std::span<const double> seconds) {
  std::vector<MouthWindow> windows;
  for (int64_t first = 0; first + kMelColumns <= columns; first += kMelColumns)
    windows.push_back(WindowAt(first, kMouthFrames, seconds, FramePeriod(seconds)));
  return windows;
}

}  // namespace interceptor::worker
