// Tracks one face through a shot: detected on some frames, found by template matching near its last place in
// between (normalised cross-correlation; Lewis, "Fast normalized cross-correlation", 1995). One thread.
#pragma once

#include <deque>
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "absl/status/statusor.h"
#include "worker/media/face_detector.h"
#include "worker/media/luma_thumbnails.h"

namespace interceptor::worker {

inline constexpr int kDetectionsPerShot = 4;

class FaceTracker {
 public:
  // The face that a detector finds in the frame of thumbnail `at`; `expected` is where it should be.
  using Detect = std::function<absl::StatusOr<std::optional<FaceBox>>(
      size_t at, const std::optional<FaceBox>& expected)>;

  // Where the face is in the next frames of the shot, in pixels of the upright picture; none before the call
  // in which it is first detected, nor where it is neither detected nor similar to its template any more.
  // Detection runs on the frames `detect_on`, after kDetectionsPerShot only where the similarity is low. The
  // path between two detections is corrected to meet both; one far from a path of high similarity counts only
  // when the next one is far from it too.
  // REQUIRES: `detect_on` is ascending.
  absl::StatusOr<std::vector<std::optional<FaceBox>>> Track(std::span<const LumaThumbnail> thumbnails,
                                                            std::span<const size_t> detect_on,
                                                            const Detect& detect);

 private:
  void MatchTemplate(const LumaThumbnail& thumbnail);
  bool IsPlausible(const FaceBox& found);
  double MedianSide(double found);

  int detections_ = 0;
  std::optional<FaceBox> face_;
  cv::Mat template_;           // the face as it was detected last
  double similarity_ = 0;      // of the last match to the template, at most 1
  bool has_rejected_ = false;  // the last detection
  std::deque<double> sides_;   // of the last three detections
};

}  // namespace interceptor::worker
