// Collects a clip's sketches while it is decoded. One thread.
#pragma once

#include "worker/media/decoded_clip.h"
#include "worker/media/schedule.h"
#include "worker/media/video.h"

namespace interceptor::worker {

inline constexpr int kSketchSideMax = 240;
// A frame that lies so many frames before or after another counts as near it.
inline constexpr int64_t kSketchReach = 16;

class SketchBook {
 public:
  // All must outlive this object.
  SketchBook(const Video& video, const Schedule& schedule, const DecodeJob& job);

  // Every decoded frame, in order.
  void Add(const VideoFrame& frame);
  Sketches Take() { return std::move(sketches_); }

 private:
  bool Wants(int64_t frame) const;

  const Video& video_;
  std::vector<int64_t> centres_;  // ascending
  int64_t reach_ = 0;
  Sketches sketches_;
};

}  // namespace interceptor::worker
