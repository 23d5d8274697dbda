#include "worker/media/sketch.h"

#include <algorithm>

#include "common/base/status.h"
#include "worker/media/coded_picture.h"

namespace interceptor::worker {

absl::StatusOr<Sketch> MakeSketch(Video& video, const VideoFrame& frame) {
  const cv::Size shown = video.UprightSize(frame);
  const cv::Size stored = video.StoredSize(frame);
  const int block = (std::max(stored.width, stored.height) + kSketchSideMax - 1) / kSketchSideMax;
  const cv::Mat means = BlockMeans(*frame.picture, block);
  if (means.empty()) {
    ICPT_ASSIGN_OR_RETURN(const cv::Mat luma, video.Luma(frame, kSketchSideMax));
    return Sketch{luma, static_cast<double>(luma.cols) / shown.width,
                  static_cast<double>(luma.rows) / shown.height};
  }
  const bool is_turned = video.Upright(cv::Mat::zeros(1, 2, CV_8UC1)).rows == 2;
  const cv::Size turned = is_turned ? cv::Size(stored.height, stored.width) : stored;
  return Sketch{video.Upright(means), static_cast<double>(turned.width) / shown.width / block,
                static_cast<double>(turned.height) / shown.height / block};
}

}  // namespace interceptor::worker
