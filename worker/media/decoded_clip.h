// What the preparer asks of a decoder process and what it gets back.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "worker/sampling/types.h"
#include "worker/store/clip_store.h"
#include "worker/store/view_shapes.h"

namespace interceptor::worker {

struct ViewFormat {
  ElementType type = ElementType::kU8;
  bool is_planar = false;           // of the clip's colours
  int64_t count_max = 0;            // of the first dimension, which is 1 or more
  std::vector<int64_t> dimensions;  // after the first
};

// `frames` sampled frames, views of `pixels`.
ViewFormat FormatOf(View view, int64_t frames, int64_t pixels);
// Bytes that all views of a clip take at most.
int64_t ClipBytesMax(int64_t frames, int64_t pixels);
// Bytes of one element of the first dimension.
int64_t ItemBytes(const ViewFormat& format);

// Every view that is made from one clip alone.
std::vector<View> SingleClipViews();

// Which frames a decoder gives thumbnails of; a fake is compared with its original by them.
enum class ThumbnailMode {
  kNone,
  kFullFrames,      // a fake: the frames of full_frame
  kNearFullFrames,  // an original: what is decoded near the frames of its fakes' full_frame
};
std::string_view ToString(ThumbnailMode mode);  // "none", "full_frames", "near_full_frames"
std::optional<ThumbnailMode> ParseThumbnailMode(std::string_view text);

struct DecodeJob {
  int frames = 16;  // at most; fewer when the clip has fewer
  int view_pixels = 224;
  int face_detection_stride = 10;
  std::vector<View> views = SingleClipViews();  // the full frame among them
  ThumbnailMode thumbnail_mode = ThumbnailMode::kNone;
  int fake_frames = 16;  // `frames` of the fakes, for kNearFullFrames
  // Bursts and mouth windows one after the other through the whole clip, more than a store takes of it. Not
  // part of what a decoder process is asked.
  bool whole_clip = false;

  bool Wants(View view) const;
};

// Frames shrunk by a whole factor, mean luma, upright, row by row one after the other.
struct LumaThumbnails {
  int width = 0;
  int height = 0;
  double scale_x = 0;  // pixels of a thumbnail in one of the upright picture
  double scale_y = 0;
  std::vector<int64_t> frames;  // ascending
  std::string bytes;
};

// A view as it is stored.
struct DecodedView {
  View view = View::kFullFrame;
  std::vector<int64_t> shape;
  std::string bytes;
};

struct DecodedClip {
  std::map<std::string, double> attributes;
  std::vector<double> frame_seconds;
  // Numbers that belong to views, by name (docs/clip-store.md).
  std::map<std::string, std::vector<double>> series;
  YuvColours colours;  // of every planar view
  std::vector<DecodedView> views;
  LumaThumbnails thumbnails;  // without frames where the job asked for none
};

// The views as a store takes them. They point into `clip`.
std::vector<ViewTensor> StoredViews(const DecodedClip& clip);
// With them all else that a store keeps; `info` is empty.
StoredClip StoredClipOf(const DecodedClip& clip);

}  // namespace interceptor::worker
