// One video (or picture) in memory, decoded in one sequential pass by timestamp. Files are untrusted:
// streams, packets and pixels are limited, no protocol is allowed, and damage is an error rather than a grey
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
#include "worker/media/frame_converter.h"

struct AVFrame;

namespace interceptor::worker {

struct VideoInfo {
  int64_t frames = 0;
  double frame_rate = 0;        // frames a second; 0 for a single picture
  double start_seconds = 0;     // of the first frame, on the file's own clock
  double duration_seconds = 0;  // up to the end of the last frame; 0 for a single picture
  int64_t stream_bytes = 0;     // of the video stream alone
};

// A decoded frame in the decoder's own format; cheap to keep and to copy.
struct VideoFrame {
  int64_t index = 0;   // in order of presentation
  double seconds = 0;  // after the first frame
  std::shared_ptr<AVFrame> picture;
};

class VideoDecoder {
 public:
  // DATA_LOSS says what is wrong with the file.
  // REQUIRES: `bytes` outlives the decoder.
  static absl::StatusOr<std::unique_ptr<VideoDecoder>> Open(std::string_view bytes);
  virtual ~VideoDecoder() = default;

  virtual const VideoInfo& info() const = 0;

  // Decodes from the beginning to the last of `indices` and gives those frames to `sink` in order; `on_other`
  // sees the other frames that are decoded on the way, in order among them. DATA_LOSS when one of them, or
  // anything before it that is needed, is damaged.
  // REQUIRES: `indices` are ascending and below info().frames; called once.
  using Sink = std::function<absl::Status(const VideoFrame& frame)>;
  using OnOther = std::function<void(const VideoFrame& frame)>;
  virtual absl::Status Decode(std::span<const int64_t> indices, const Sink& sink,
                              const OnOther& on_other = nullptr) = 0;

  // Of every frame, after the first one.
  virtual std::vector<double> FrameSeconds() const = 0;

  // The reference frame nearest to `index`, which is decoded anyway; `index` itself where none is known.
  virtual int64_t NearestReference(int64_t index) const = 0;

  // Of the upright picture in square pixels.
  virtual cv::Size UprightSize(const VideoFrame& frame) const = 0;
  virtual cv::Size StoredSize(const VideoFrame& frame) const = 0;
  // The stored pixels, before rotation, that show `area` of the upright picture.
  virtual cv::Rect StoredArea(const VideoFrame& frame, const cv::Rect& area) const = 0;
  // Stored pixels rotated and mirrored as the file says.
  virtual cv::Mat Upright(const cv::Mat& stored) const = 0;
  // Of the first frame that was decoded.
  virtual YuvColours Colours() const = 0;
  // `area` of the upright picture scaled to `size`.
  // REQUIRES: `area` lies inside the picture; `size` is even.
  virtual absl::StatusOr<YuvPicture> Yuv(const VideoFrame& frame, const cv::Rect& area, cv::Size size) = 0;
  // Upright, shrunk so that no side is over `side_max` pixels: 8-bit BGR, or luma alone.
  virtual absl::StatusOr<cv::Mat> Shrunk(const VideoFrame& frame, int side_max, bool in_colour) = 0;
};

}  // namespace interceptor::worker
