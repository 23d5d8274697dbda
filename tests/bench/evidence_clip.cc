#include "tests/bench/evidence_clip.h"

#include <utility>
#include <vector>

#include "worker/store/view_shapes.h"

namespace interceptor::worker {

void SlideMouthWindows(StoredClip& clip, std::string& mouths, std::string& sounds) {
  std::vector<double>& sides = clip.series["mouth_sides"];
  std::vector<double>& starts = clip.series["mouth_seconds"];
  const std::vector<double> all_sides = std::move(sides);
  const double begin = starts.empty() ? 0 : starts.front();
  starts.clear();
  sides.clear();
  for (ViewTensor& view : clip.views) {
    if (view.view != View::kMouthTrack && view.view != View::kLogMel) continue;
    std::string& out = view.view == View::kMouthTrack ? mouths : sounds;
    const auto frames = view.shape[0] * kMouthFrames;
    const auto frame = static_cast<int64_t>(view.bytes.size()) / frames;
    int64_t windows = 0;
    for (int64_t first = 0; first + kMouthFrames <= frames; first += kWindowStride, ++windows) {
      out += view.bytes.substr(static_cast<size_t>(first * frame), static_cast<size_t>(kMouthFrames * frame));
      if (view.view != View::kMouthTrack) continue;
      starts.push_back(begin + static_cast<double>(first) * kMouthPeriodSeconds);
      sides.insert(sides.end(), all_sides.begin() + first, all_sides.begin() + first + kMouthFrames);
    }
    view.shape[0] = windows;
    view.bytes = out;
  }
}

}  // namespace interceptor::worker
