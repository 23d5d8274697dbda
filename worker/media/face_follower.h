// Follows one face through a shot: a detector finds it now and then, in between its picture is looked for
// near where it was (normalised cross-correlation; Lewis, "Fast normalized cross-correlation", 1995). One
// thread.
#pragma once

#include <deque>
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "absl/status/statusor.h"
#include "worker/media/face_detector.h"
#include "worker/media/sketch.h"

namespace interceptor::worker {

inline constexpr int kSearchesPerShot = 4;

class FaceFollower {
 public:
  // What a detector finds on the `at`-th of the sketches' frames; `expected` is where the face should be.
  using Detect = std::function<absl::StatusOr<std::optional<FaceBox>>(
      size_t at, const std::optional<FaceBox>& expected)>;

  // Where the face is in the next frames of the shot, in pixels of the upright picture; nothing before the
  // part in which it is first found, nor where it is neither found nor like itself any more. `searched`
  // (ascending) are the frames to detect on; after kSearchesPerShot detections only where the face no longer
  // looks as it did. Between two detections the path is bent to meet both; one that lies far from a path that
  // is sure of itself counts only when the next one lies far off too.
  absl::StatusOr<std::vector<std::optional<FaceBox>>> Follow(std::span<const Sketch> sketches,
                                                             std::span<const size_t> searched,
                                                             const Detect& detect);

 private:
  void Move(const Sketch& sketch);
  void Learn(const Sketch& sketch);
  bool Believes(const FaceBox& found);
  double SideWith(double found);

  int searches_ = 0;
  std::optional<FaceBox> face_;
  cv::Mat template_;          // the face as it was detected last
  double likeness_ = 0;       // of what was found in its place to the template, 1 at best
  bool is_doubted_ = false;   // the detection before was not believed
  std::deque<double> sides_;  // of the last three detections
};

}  // namespace interceptor::worker
