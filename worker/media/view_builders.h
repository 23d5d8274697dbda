// Builds the stored views of a clip, each from the frames of one segment of a shot after the other. One
// thread.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "absl/status/status.h"
#include "worker/media/decoded_clip.h"
#include "worker/media/face_detector.h"
#include "worker/media/frame_selection.h"
#include "worker/media/video_decoder.h"

namespace interceptor::worker {

// Frames of one shot, in order, and where its face is in each, in pixels of the upright picture.
struct Segment {
  std::vector<VideoFrame> frames;
  std::vector<std::optional<FaceBox>> faces;  // one for each frame, or none at all

  const VideoFrame* Find(int64_t index) const;
  std::optional<FaceBox> FaceAt(int64_t index) const;
};

class ViewBuilder {
 public:
  virtual ~ViewBuilder() = default;
  // Segments come in order; frames that this view does not use are skipped.
  virtual absl::Status Add(VideoDecoder& video, const Segment& segment) = 0;
  // Once, after the last segment: adds the view, or nothing where the clip has none of it.
  virtual void Finish(DecodedClip& clip) = 0;
};

// A builder for the views that `job` asks of the selected frames:
//
// full_frame, and face_crop where it is asked for, of the sampled frames, and the attributes that are
// measured on them. Adds the series
//   "face_boxes"          x, y and side of each sampled frame in pixels of the upright picture; zeros without
//                         a face
//   "picture_types"       1 I, 2 P, 3 B, 0 unknown
//   "full_frame_seconds"  the times of full_frame
//
// luma_patches and codec_facts: what compression, resampling and noise left in the coded pixels. Nothing for
// a clip whose pictures are smaller than a patch or have no luma plane. Without a face the inner and the ring
// patch of that frame are zeros and their quantisers 255, and so is a ring that there is no room for. Adds "patch_places": x and y of each patch in coded
// pixels, -1 where there is none.
//
// mouth_track: the lower 45 % of the face as a square, luma, of every frame of the mouth windows. Nothing for
// a clip without a face; a frame without one, kNoFrame, and what a short window lacks at its end, is zeros.
// Adds "mouth_sides": of the square in pixels of the upright picture, for each frame; 0 for zeros.
//
// burst: the selected bursts but those with a shot boundary inside or without a face: the face with its
// margin, in the one box that it has in the middle of the burst. Adds "burst_seconds" (of each frame) and
// "burst_boxes" (x, y and side of each burst).
//
// REQUIRES: `selection` outlives the builders.
std::vector<std::unique_ptr<ViewBuilder>> MakeViewBuilders(const FrameSelection& selection,
                                                           const DecodeJob& job);

// Where the three patches of kPatchPixels lie: on the 16-pixel grid, inside `picture`. `face` in coded
// pixels: the inner patch in its middle; the ring's beside, above or below it, where it covers least of the
// face; the background's in the corner of the picture that is farthest away. No ring where more than
// kRingFaceShareMax of it would be face.
inline constexpr double kRingFaceShareMax = 0.6;
struct PatchPlaces {
  cv::Rect inner;
  std::optional<cv::Rect> ring;
  cv::Rect far;
};
PatchPlaces PlacePatches(cv::Size picture, const cv::Rect& face);

}  // namespace interceptor::worker
