// Where the stored views lie in an upright picture, and the pixels that they show of it.
#pragma once

#include <opencv2/core.hpp>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "worker/media/face_detector.h"
#include "worker/media/video_decoder.h"

namespace interceptor::worker {

// The share of the face's side that is added on each of the four sides.
inline constexpr double kFaceMargin = 0.3;

// `area` of the picture is shown in `place` of the view, whose edges are even; the rest of the view is black.
struct Placement {
  cv::Rect area;
  cv::Rect place;
};

// The whole picture, its aspect kept, centred in `pixels` x `pixels`.
Placement LetterboxPlacement(cv::Size picture, int pixels);

// `square` of the upright picture, padded where it leaves it; empty where nothing of it lies in the picture.
Placement SquarePlacement(cv::Size picture, const cv::Rect& square, int pixels);

// The square around `face` with kFaceMargin; empty where nothing of it lies in the picture. Without a face
// the largest centred square.
Placement FacePlacement(cv::Size picture, const std::optional<FaceBox>& face, int pixels);

// The view that `placement` describes. DATA_LOSS when the frame has other colours than the clip's first one.
absl::StatusOr<YuvPicture> CropFrame(VideoDecoder& video, const VideoFrame& frame, const Placement& placement,
                                     int pixels);

// Row by row, as views are stored.
void AppendPlane(const cv::Mat& plane, std::string& bytes);
void AppendPlanes(const YuvPicture& picture, std::string& bytes);

}  // namespace interceptor::worker
