// What is asked of a decoder child, and what it gives: values that cross the socket between preparer and
// child.
#pragma once

#include <cstdint>
#include <iterator>
#include <map>
#include <string>
#include <vector>

#include "worker/core/types.h"
#include "worker/store/clip_store.h"

namespace interceptor::worker {

struct DecodeJob {
  int frames = 16;  // at most; fewer when the clip has fewer
  int view_pixels = 224;
  int face_detection_stride = 10;
  std::vector<View> views = {std::begin(kAllViews), std::end(kAllViews)};  // the full frame among them

  bool Wants(View view) const;
};

// A view as it is stored (worker/media/view_shapes.h).
struct DecodedView {
  View view = View::kFullFrame;
  std::vector<int64_t> shape;
  std::string bytes;
};

struct DecodedClip {
  std::map<std::string, double> attributes;
  std::vector<double> frame_seconds;
  // Numbers that belong to views, by name: see the headers of those who cut them.
  std::map<std::string, std::vector<double>> series;
  YuvColours colours;  // of every planar view
  std::vector<DecodedView> views;
};

// The views as a store takes them; they point into `clip`.
std::vector<ViewTensor> StoredViews(const DecodedClip& clip);

}  // namespace interceptor::worker
