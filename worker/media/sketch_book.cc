#include "worker/media/sketch_book.h"

#include <algorithm>

#include "worker/media/coded_picture.h"

namespace interceptor::worker {

SketchBook::SketchBook(const Video& video, const Schedule& schedule, const DecodeJob& job) : video_(video) {
  if (job.sketching == Sketching::kWide) centres_ = schedule.wide;
  if (job.sketching != Sketching::kNearWide) return;
  reach_ = kSketchReach;
  const std::vector<int64_t> samples = EvenlySpread(video.facts().frames, job.fake_frames);
  for (const int64_t at : EvenlySpread(static_cast<int64_t>(samples.size()), kWideFrames)) {
    centres_.push_back(samples[static_cast<size_t>(at)]);
  }
}

bool SketchBook::Wants(int64_t frame) const {
  const auto at = std::lower_bound(centres_.begin(), centres_.end(), frame - reach_);
  return at != centres_.end() && *at <= frame + reach_;
}

void SketchBook::Add(const VideoFrame& frame) {
  if (!Wants(frame.index)) return;
  const cv::Size stored = video_.StoredSize(frame);
  const int block = (std::max(stored.width, stored.height) + kSketchSideMax - 1) / kSketchSideMax;
  const cv::Mat means = BlockMeans(*frame.picture, block);
  if (means.empty()) return;
  const cv::Mat upright = video_.Upright(means);
  if (sketches_.frames.empty()) {
    const cv::Size shown = video_.UprightSize(frame);
    const bool is_turned = video_.Upright(cv::Mat::zeros(1, 2, CV_8UC1)).rows == 2;
    sketches_.width = upright.cols;
    sketches_.height = upright.rows;
    sketches_.scale_x = static_cast<double>(is_turned ? stored.height : stored.width) / shown.width / block;
    sketches_.scale_y = static_cast<double>(is_turned ? stored.width : stored.height) / shown.height / block;
  }
  // A clip whose pictures change in size is compared up to there.
  if (upright.cols != sketches_.width || upright.rows != sketches_.height) return;
  sketches_.frames.push_back(frame.index);
  for (int y = 0; y < upright.rows; ++y) {
    sketches_.bytes.append(reinterpret_cast<const char*>(upright.ptr(y)), static_cast<size_t>(upright.cols));
  }
}

}  // namespace interceptor::worker
