// A placed picture of a frame, with black around it, and its bytes as they are stored.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "worker/media/video.h"
#include "worker/media/views.h"

namespace interceptor::worker {

// DATA_LOSS when the frame has other colours than the clip's first one.
absl::StatusOr<YuvPicture> CutPicture(Video& video, const VideoFrame& frame, const Placement& placement,
                                      int pixels);

void AppendPlane(const cv::Mat& plane, std::string& bytes);
void AppendPlanes(const YuvPicture& picture, std::string& bytes);

}  // namespace interceptor::worker
