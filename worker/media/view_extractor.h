// Makes a clip's views of its frames, which come in order. Frames are held back until the face is known in
// all of a segment; one ends at a shot boundary, at a gap or after kSegmentFramesMax (never inside a burst),
// so that memory stays bounded. One thread.
#pragma once

#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "worker/media/decoded_clip.h"
#include "worker/media/face_detector.h"
#include "worker/media/face_tracker.h"
#include "worker/media/frame_selection.h"
#include "worker/media/video_decoder.h"
#include "worker/media/view_builders.h"

namespace interceptor::worker {

// Faces are detected on the last frame of a segment, in a shot's first segment on its first and middle one
// too, not nearer to each other than the job's stride, and less often where tracking suffices (FaceTracker).
inline constexpr size_t kSegmentFramesMax = 32;

// Whether the histograms of two pictures, given as luma, share less than half.
bool IsShotBoundary(const cv::Mat& before, const cv::Mat& after);

class ViewExtractor {
 public:
  // REQUIRES: all outlive this object.
  ViewExtractor(VideoDecoder& video, const FrameSelection& selection, const DecodeJob& job,
                FaceDetector& detector);

  absl::Status Add(const VideoFrame& frame, const LumaThumbnail& thumbnail);
  // Once, after the last frame.
  absl::StatusOr<DecodedClip> Finish();

 private:
  bool BeginsShot(int64_t index, const LumaThumbnail& thumbnail);
  bool IsInsideBurst(int64_t index) const;
  absl::Status FinishSegment();
  std::vector<size_t> FramesToDetectOn();
  absl::Status TrackFace();

  VideoDecoder& video_;
  const FrameSelection& selection_;
  const DecodeJob& job_;
  FaceDetector& detector_;
  const bool with_face_;
  std::vector<std::unique_ptr<ViewBuilder>> builders_;
  Segment segment_;
  std::vector<LumaThumbnail> thumbnails_;  // of the segment's frames
  FaceTracker tracker_;                    // of this shot's face
  bool is_first_of_shot_ = true;
  int64_t last_detected_on_ = -1;  // index of the frame, in this shot
  std::vector<double> sides_;      // of every face found, in pixels of the upright picture
  int64_t detections_ = 0;
  LumaThumbnail last_thumbnail_;
  int64_t last_index_ = 0;  // of the frame before
  cv::Size size_;           // of the first frame, upright
};

}  // namespace interceptor::worker
