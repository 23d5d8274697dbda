// Turns decoded pictures into 8-bit matrices by libswscale, honouring colour matrix and range. One thread.
#pragma once

#include <memory>
#include <opencv2/core.hpp>

#include "absl/status/statusor.h"

struct AVFrame;
struct SwsContext;

namespace interceptor::worker {

// Keeps the last conversion; rebuilt when size or format changes in the middle of a stream.
class PictureConverter {
 public:
  // Native size, three channels.
  absl::StatusOr<cv::Mat> Rgb(const AVFrame& picture);
  // One channel at full range, shrunk so that no side is over `side_max`.
  absl::StatusOr<cv::Mat> Luma(const AVFrame& picture, int side_max);

 private:
  struct Target {
    cv::Size size;
    int format;  // AVPixelFormat
    int flags;   // of libswscale
  };
  absl::StatusOr<cv::Mat> Convert(const AVFrame& picture, const Target& target);

  struct FreeScaler {
    void operator()(SwsContext* scaler) const;
  };
  std::unique_ptr<SwsContext, FreeScaler> scaler_;
};

}  // namespace interceptor::worker
