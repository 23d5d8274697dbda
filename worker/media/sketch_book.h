// Collects a clip's sketches while it is decoded. One thread.
#pragma once

#include <utility>
#include <vector>

#include "worker/media/decoded_clip.h"
#include "worker/media/schedule.h"
#include "worker/media/sketch.h"

namespace interceptor::worker {

// A frame that lies so many frames before or after another counts as near it.
inline constexpr int64_t kSketchReach = 16;

class SketchBook {
 public:
  // `frames` has the clip.
  SketchBook(int64_t frames, const Schedule& schedule, const DecodeJob& job);

  bool Wants(int64_t frame) const;
  // In order; those that are not wanted are passed over.
  void Add(int64_t frame, const Sketch& sketch);
  Sketches Take() { return std::move(sketches_); }

 private:
  std::vector<int64_t> centres_;  // ascending
  int64_t reach_ = 0;
  Sketches sketches_;
};

}  // namespace interceptor::worker
