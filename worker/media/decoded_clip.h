// What is asked of a decoder child, and what it gives: values that cross the socket between preparer and
// child.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "worker/sampling/types.h"
#include "worker/store/clip_store.h"

namespace interceptor::worker {

// Every view that is cut from one clip alone.
std::vector<View> CutViews();

// Which frames a decoder gives sketches of, by which a fake is compared with its original.
enum class Sketching {
  kNone,
  kWide,      // a fake: the frames of full_frame
  kNearWide,  // an original: what is decoded near those frames of its fakes
};

struct DecodeJob {
  int frames = 16;  // at most; fewer when the clip has fewer
  int view_pixels = 224;
  int face_detection_stride = 10;
  std::vector<View> views = CutViews();  // the full frame among them
  Sketching sketching = Sketching::kNone;
  int fake_frames = 16;  // `frames` of the fakes, for kNearWide

  bool Wants(View view) const;
};

// Frames shrunk by a whole factor, mean luma, upright, row by row one after the other.
struct Sketches {
  int width = 0;
  int height = 0;
  double scale_x = 0;  // pixels of a sketch in one of the upright picture
  double scale_y = 0;
  std::vector<int64_t> frames;  // ascending
  std::string bytes;
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
  Sketches sketches;  // without frames where the job asked for none
};

// The views as a store takes them; they point into `clip`.
std::vector<ViewTensor> StoredViews(const DecodedClip& clip);

}  // namespace interceptor::worker
