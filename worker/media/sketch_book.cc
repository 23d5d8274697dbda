#include "worker/media/sketch_book.h"

#include <algorithm>

namespace interceptor::worker {

SketchBook::SketchBook(int64_t frames, const Schedule& schedule, const DecodeJob& job) {
  if (job.sketching == Sketching::kWide) centres_ = schedule.wide;
  if (job.sketching != Sketching::kNearWide) return;
  reach_ = kSketchReach;
  const std::vector<int64_t> samples = EvenlySpread(frames, job.fake_frames);
  for (const int64_t at : EvenlySpread(static_cast<int64_t>(samples.size()), kWideFrames)) {
    centres_.push_back(samples[static_cast<size_t>(at)]);
  }
}

bool SketchBook::Wants(int64_t frame) const {
  const auto at = std::lower_bound(centres_.begin(), centres_.end(), frame - reach_);
  return at != centres_.end() && *at <= frame + reach_;
}

void SketchBook::Add(int64_t frame, const Sketch& sketch) {
  if (!Wants(frame)) return;
  // A stream may show two pictures at one time; the first counts, as it does for the views.
  if (!sketches_.frames.empty() && frame <= sketches_.frames.back()) return;
  const cv::Mat& luma = sketch.luma;
  if (sketches_.frames.empty()) {
    sketches_.width = luma.cols;
    sketches_.height = luma.rows;
    sketches_.scale_x = sketch.scale_x;
    sketches_.scale_y = sketch.scale_y;
  }
  // A clip whose pictures change in size is compared up to there.
  const bool is_alike = luma.cols == sketches_.width && luma.rows == sketches_.height &&
                        sketch.scale_x == sketches_.scale_x && sketch.scale_y == sketches_.scale_y;
  if (!is_alike) return;
  sketches_.frames.push_back(frame);
  for (int y = 0; y < luma.rows; ++y) {
    sketches_.bytes.append(reinterpret_cast<const char*>(luma.ptr(y)), static_cast<size_t>(luma.cols));
  }
}

}  // namespace interceptor::worker
