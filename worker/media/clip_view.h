// What cuts one kind of view while a clip's frames come, a part of a shot at a time. One thread.
#pragma once

#include <optional>
#include <vector>

#include "absl/status/status.h"
#include "worker/media/decoded_clip.h"
#include "worker/media/face_detector.h"
#include "worker/media/video.h"

namespace interceptor::worker {

// Frames of one shot, in order, and where its face is in each, in pixels of the upright picture.
struct Part {
  std::vector<VideoFrame> frames;
  std::vector<std::optional<FaceBox>> faces;  // one for each frame, or none at all

  const VideoFrame* Find(int64_t index) const;
  std::optional<FaceBox> FaceAt(int64_t index) const;
};

class ClipView {
 public:
  virtual ~ClipView() = default;
  // Parts come in order; frames that are not this view's are passed over.
  virtual absl::Status Add(Video& video, const Part& part) = 0;
  // Once, after the last part: what was cut, or nothing where the clip has none of it.
  virtual void Finish(DecodedClip& clip) = 0;
};

}  // namespace interceptor::worker
