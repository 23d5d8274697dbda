#include "worker/media/luma_thumbnails.h"

#include <algorithm>

#include "common/base/status.h"
#include "worker/media/crop.h"
#include "worker/media/frame_converter.h"
#include "worker/store/sample_views.h"

namespace interceptor::worker {

absl::StatusOr<LumaThumbnail> MakeLumaThumbnail(VideoDecoder& video, const VideoFrame& frame) {
  const cv::Size shown = video.UprightSize(frame);
  const cv::Size stored = video.StoredSize(frame);
  const int block = (std::max(stored.width, stored.height) + kThumbnailSideMax - 1) / kThumbnailSideMax;
  const cv::Mat means = BlockMeans(*frame.picture, block);
  if (means.empty()) {
    ICPT_ASSIGN_OR_RETURN(const cv::Mat luma, video.Shrunk(frame, kThumbnailSideMax, false));
    return LumaThumbnail{luma, static_cast<double>(luma.cols) / shown.width,
                         static_cast<double>(luma.rows) / shown.height};
  }
  const bool is_turned = video.Upright(cv::Mat::zeros(1, 2, CV_8UC1)).rows == 2;
  const cv::Size turned = is_turned ? cv::Size(stored.height, stored.width) : stored;
  return LumaThumbnail{video.Upright(means), static_cast<double>(turned.width) / shown.width / block,
                       static_cast<double>(turned.height) / shown.height / block};
}

ThumbnailCollector::ThumbnailCollector(int64_t frames, const FrameSelection& selection,
                                       const DecodeJob& job) {
  if (job.thumbnail_mode == ThumbnailMode::kFullFrames) centres_ = selection.full_frames;
  if (job.thumbnail_mode != ThumbnailMode::kNearFullFrames) return;
  reach_ = kThumbnailReach;
  const std::vector<int64_t> samples = EvenlySpaced(frames, job.fake_frames);
  for (const int64_t at : EvenlySpaced(static_cast<int64_t>(samples.size()), kFullFramesMax)) {
    centres_.push_back(samples[static_cast<size_t>(at)]);
  }
}

bool ThumbnailCollector::Wants(int64_t frame) const {
  const auto at = std::ranges::lower_bound(centres_, frame - reach_);
  return at != centres_.end() && *at <= frame + reach_;
}

void ThumbnailCollector::Add(int64_t frame, const LumaThumbnail& thumbnail) {
  if (!Wants(frame)) return;
  // A stream may show two pictures at one time; the first counts, as it does for the views.
  if (!thumbnails_.frames.empty() && frame <= thumbnails_.frames.back()) return;
  const cv::Mat& luma = thumbnail.luma;
  if (thumbnails_.frames.empty()) {
    thumbnails_.width = luma.cols;
    thumbnails_.height = luma.rows;
    thumbnails_.scale_x = thumbnail.scale_x;
    thumbnails_.scale_y = thumbnail.scale_y;
  }
  // A clip whose pictures change in size is compared up to there.
  const bool is_alike = luma.cols == thumbnails_.width && luma.rows == thumbnails_.height &&
                        thumbnail.scale_x == thumbnails_.scale_x && thumbnail.scale_y == thumbnails_.scale_y;
  if (!is_alike) return;
  thumbnails_.frames.push_back(frame);
  AppendPlane(luma, thumbnails_.bytes);
}

}  // namespace interceptor::worker
