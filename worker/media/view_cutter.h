// Cuts a clip's views while its frames come, in order. Frames are held back until the face is known in all
// of a part: a part ends at a cut, at a gap or after kPartFrames (never inside a burst), so that memory stays
// bounded.
// One thread.
#pragma once

#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "worker/media/clip_view.h"
#include "worker/media/decoded_clip.h"
#include "worker/media/face_detector.h"
#include "worker/media/face_follower.h"
#include "worker/media/schedule.h"
#include "worker/media/video.h"

namespace interceptor::worker {

// Faces are searched on the last frame of a part, in a shot's first part on its first and middle one too, not
// nearer to each other than the job's stride, and less often where following does (FaceFollower).
inline constexpr size_t kPartFrames = 32;

// True when two pictures, given as luma, can hardly be of one shot: their histograms share less than half.
bool IsCut(const cv::Mat& before, const cv::Mat& after);

class ViewCutter {
 public:
  // All must outlive this object.
  ViewCutter(Video& video, const Schedule& schedule, const DecodeJob& job, FaceDetector& detector);

  absl::Status Add(const VideoFrame& frame, const Sketch& sketch);
  // Once, after the last frame.
  absl::StatusOr<DecodedClip> Finish();

 private:
  bool BeginsShot(int64_t index, const Sketch& sketch);
  bool IsInsideBurst(int64_t index) const;
  absl::Status CutPart();
  std::vector<size_t> PlaceSearches();
  absl::Status FollowFace();
  absl::StatusOr<std::optional<FaceBox>> Search(const VideoFrame& frame,
                                                const std::optional<FaceBox>& expected);

  Video& video_;
  const Schedule& schedule_;
  const DecodeJob& job_;
  FaceDetector& detector_;
  bool with_face_ = false;
  std::vector<std::unique_ptr<ClipView>> views_;
  Part part_;
  std::vector<Sketch> sketches_;  // of the part's frames
  FaceFollower follower_;         // of this shot's face
  bool is_first_of_shot_ = true;
  int64_t last_searched_ = -1;  // in this shot
  std::vector<double> sides_;   // of every face found, in pixels of the upright picture
  int64_t searched_ = 0;
  Sketch last_sketch_;
  int64_t last_index_ = 0;  // of the frame before
  cv::Size size_;           // of the first frame, upright
};

}  // namespace interceptor::worker
