// Cuts a clip's views while its frames come, in order. Frames are held back until the face track of their
// part of a shot is known: a part ends at a cut or after kPartFrames, so that memory stays bounded. One
// thread.
#pragma once

#include <optional>
#include <vector>

#include "absl/status/status.h"
#include "worker/prepare/clip_decode.h"
#include "worker/prepare/faces.h"
#include "worker/prepare/video.h"

namespace interceptor::worker {

// Faces are searched on at most kSearchedMax frames of a part, not nearer to each other than the job's
// stride.
inline constexpr size_t kPartFrames = 32;
inline constexpr size_t kSearchedMax = 4;

// True when two pictures, given as luma, can hardly be of one shot: their histograms share less than half.
bool IsCut(const cv::Mat& before, const cv::Mat& after);

class ViewCutter {
 public:
  ViewCutter(Video& video, const DecodeJob& job, FaceDetector& detector);

  absl::Status Add(const VideoFrame& frame);
  // Once, after the last frame.
  absl::StatusOr<DecodedClip> Finish();

 private:
  bool Wants(View view) const;
  absl::Status CutPart();
  absl::StatusOr<FaceTrack> FollowFace();
  absl::Status CutFace(const VideoFrame& frame, const FaceTrack& track);

  Video& video_;
  const DecodeJob& job_;
  FaceDetector& detector_;
  std::vector<VideoFrame> part_;
  YuvColours colours_;                // of the first frame
  cv::Mat last_luma_;                 // of the letterboxed view of the frame before
  std::optional<FaceBox> last_face_;  // of this shot, in the pixels in which faces are searched
  std::vector<double> sides_;         // of every face found, in pixels of the upright picture
  int64_t searched_ = 0;
  double brightness_ = 0;
  cv::Size size_;  // of the first frame, upright
  std::string full_;
  std::string face_;
  DecodedClip clip_;
};

}  // namespace interceptor::worker
