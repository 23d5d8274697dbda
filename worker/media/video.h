// One video (or picture) in memory, decoded in one sequential pass by timestamp. Files are foreign: limits
// hold on streams, packets and pixels, no protocol is allowed, and damage is an error rather than a grey
// frame. One thread.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <opencv2/core.hpp>
#include <span>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "worker/media/picture_converter.h"

struct AVFrame;

namespace interceptor::worker {

struct VideoFacts {
  int64_t frames = 0;
  double frame_rate = 0;        // frames a second; 0 for a single picture
  double start_seconds = 0;     // of the first frame, on the file's own clock
  double duration_seconds = 0;  // up to the end of the last frame; 0 for a single picture
  int64_t stream_bytes = 0;     // the picture stream alone
};

// A decoded frame in the decoder's own format; cheap to keep and to copy.
struct VideoFrame {
  int64_t index = 0;   // in order of presentation
  double seconds = 0;  // after the first frame
  std::shared_ptr<AVFrame> picture;
};

class Video {
 public:
  // `bytes` must outlive this object. DATA_LOSS says what is wrong with the file.
  static absl::StatusOr<std::unique_ptr<Video>> Open(std::string_view bytes);
  virtual ~Video() = default;

  virtual const VideoFacts& facts() const = 0;

  // Decodes from the beginning to the last of `indices` (ascending, each below facts().frames) and hands
  // those frames over in order. DATA_LOSS when one of them, or anything before it that is needed, is damaged.
  // Once. `passing` sees the other frames that were decoded on the way, in order among them.
  using Sink = std::function<absl::Status(const VideoFrame& frame)>;
  using Passing = std::function<void(const VideoFrame& frame)>;
  virtual absl::Status Decode(std::span<const int64_t> indices, const Sink& sink,
                              const Passing& passing = nullptr) = 0;

  // Of every frame, after the first one.
  virtual std::vector<double> FrameSeconds() const = 0;

  // The frame nearest to `index` that others are decoded from: it costs nothing beside them. `index` itself
  // where that is not known.
  virtual int64_t NearestReference(int64_t index) const = 0;

  // Of the upright picture in square pixels.
  virtual cv::Size UprightSize(const VideoFrame& frame) const = 0;
  virtual cv::Size StoredSize(const VideoFrame& frame) const = 0;
  // The stored pixels, before turning, that show `area` of the upright picture.
  virtual cv::Rect StoredArea(const VideoFrame& frame, const cv::Rect& area) const = 0;
  // A picture of stored pixels, turned upright.
  virtual cv::Mat Upright(const cv::Mat& stored) const = 0;
  // Of the first frame that was decoded.
  virtual YuvColours Colours() const = 0;
  // `area` of the upright picture, which lies inside it, scaled to `size`, which is even.
  virtual absl::StatusOr<YuvPicture> Yuv(const VideoFrame& frame, const cv::Rect& area, cv::Size size) = 0;
  // Upright, shrunk so that no side is over `side_max` pixels: 8-bit BGR, or luma alone.
  virtual absl::StatusOr<cv::Mat> Bgr(const VideoFrame& frame, int side_max) = 0;
  virtual absl::StatusOr<cv::Mat> Luma(const VideoFrame& frame, int side_max) = 0;
};

}  // namespace interceptor::worker
