// Frames shrunk to what is enough to compare them by and to track a face in. One thread.
#pragma once

#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "worker/media/decoded_clip.h"
#include "worker/media/frame_selection.h"
#include "worker/media/video_decoder.h"

namespace interceptor::worker {

inline constexpr int kThumbnailSideMax = 240;

struct LumaThumbnail {
  cv::Mat luma;        // upright, no side over kThumbnailSideMax
  double scale_x = 1;  // pixels of the thumbnail in one of the upright picture
  double scale_y = 1;
};

// Means of whole blocks of the decoded luma; a scaled picture where the format has no luma plane.
absl::StatusOr<LumaThumbnail> MakeLumaThumbnail(VideoDecoder& video, const VideoFrame& frame);

// A frame at most this many before or after another is near it.
inline constexpr int64_t kThumbnailReach = 16;

// Collects the thumbnails that a job asks for while its clip is decoded.
class ThumbnailCollector {
 public:
  // `frames`: of the whole clip.
  ThumbnailCollector(int64_t frames, const FrameSelection& selection, const DecodeJob& job);

  bool Wants(int64_t frame) const;
  // In order; frames that are not wanted are skipped.
  void Add(int64_t frame, const LumaThumbnail& thumbnail);
  LumaThumbnails Take() { return std::move(thumbnails_); }

 private:
  std::vector<int64_t> centres_;  // ascending
  int64_t reach_ = 0;
  LumaThumbnails thumbnails_;
};

}  // namespace interceptor::worker
