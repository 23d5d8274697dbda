// Cuts the stored views out of upright RGB pictures. Pure.
#pragma once

#include <opencv2/core.hpp>
#include <optional>

#include "worker/prepare/faces.h"

namespace interceptor::worker {

// The share of the face's side that is added on each of the four sides.
inline constexpr double kFaceMargin = 0.3;

// Where the picture lies in its letterboxed view of `pixels` x `pixels`.
cv::Rect LetterboxArea(cv::Size picture, int pixels);

// The whole picture, its shape kept, centred on black.
cv::Mat Letterbox(const cv::Mat& rgb, int pixels);

// The square around `face` with kFaceMargin; black where it leaves the picture. Without a face the largest
// centred square.
cv::Mat FaceCrop(const cv::Mat& rgb, const std::optional<FaceBox>& face, int pixels);

}  // namespace interceptor::worker
