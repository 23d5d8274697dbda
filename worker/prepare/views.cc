#include "worker/prepare/views.h"

#include <algorithm>
#include <cmath>
#include <opencv2/imgproc.hpp>

namespace interceptor::worker {
namespace {

// Averages when shrinking, so that nothing aliases.
void Resize(const cv::Mat& from, cv::Mat to) {
  const bool shrinks = to.cols < from.cols || to.rows < from.rows;
  cv::resize(from, to, to.size(), 0, 0, shrinks ? cv::INTER_AREA : cv::INTER_LINEAR);
}

}  // namespace

cv::Rect LetterboxArea(cv::Size picture, int pixels) {
  const double scale = static_cast<double>(pixels) / std::max(picture.width, picture.height);
  const int width = std::clamp(static_cast<int>(std::lround(picture.width * scale)), 1, pixels);
  const int height = std::clamp(static_cast<int>(std::lround(picture.height * scale)), 1, pixels);
  return {(pixels - width) / 2, (pixels - height) / 2, width, height};
}

cv::Mat Letterbox(const cv::Mat& rgb, int pixels) {
  cv::Mat view(pixels, pixels, CV_8UC3, cv::Scalar::all(0));
  Resize(rgb, view(LetterboxArea(rgb.size(), pixels)));
  return view;
}

cv::Mat FaceCrop(const cv::Mat& rgb, const std::optional<FaceBox>& face, int pixels) {
  const int shorter = std::min(rgb.cols, rgb.rows);
  const double wanted = face.has_value() ? face->side * (1 + 2 * kFaceMargin) : shorter;
  const int side = std::clamp(static_cast<int>(std::lround(wanted)), 1, 2 * std::max(rgb.cols, rgb.rows));
  const double x = face.has_value() ? face->x : rgb.cols / 2.0;
  const double y = face.has_value() ? face->y : rgb.rows / 2.0;
  const cv::Rect square(static_cast<int>(std::lround(x - side / 2.0)),
                        static_cast<int>(std::lround(y - side / 2.0)), side, side);
  const cv::Rect inside = square & cv::Rect({0, 0}, rgb.size());
  cv::Mat view(pixels, pixels, CV_8UC3, cv::Scalar::all(0));
  if (inside == square) {
    Resize(rgb(square), view);
  } else if (!inside.empty()) {
    cv::Mat padded(side, side, CV_8UC3, cv::Scalar::all(0));
    rgb(inside).copyTo(padded(inside - square.tl()));
    Resize(padded, view);
  }
  return view;
}

}  // namespace interceptor::worker
