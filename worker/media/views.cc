#include "worker/media/views.h"

#include <algorithm>
#include <cmath>

namespace interceptor::worker {

namespace {

// The nearest even number: a view's chroma has half its samples.
int Even(double value) { return 2 * static_cast<int>(std::lround(value / 2)); }

}  // namespace

Placement LetterboxPlacement(cv::Size picture, int pixels) {
  const double scale = static_cast<double>(pixels) / std::max(picture.width, picture.height);
  const int width = std::clamp(Even(picture.width * scale), 2, pixels);
  const int height = std::clamp(Even(picture.height * scale), 2, pixels);
  return {cv::Rect({0, 0}, picture), {(pixels - width) / 4 * 2, (pixels - height) / 4 * 2, width, height}};
}

Placement SquarePlacement(cv::Size picture, const cv::Rect& square, int pixels) {
  const cv::Rect inside = square & cv::Rect({0, 0}, picture);
  if (inside.empty()) return {};
  const double scale = static_cast<double>(pixels) / square.width;
  const auto shown = [scale](int at) { return Even(at * scale); };
  const cv::Point from(shown(inside.x - square.x), shown(inside.y - square.y));
  const cv::Point to(shown(inside.x + inside.width - square.x), shown(inside.y + inside.height - square.y));
  return {inside, cv::Rect(from, to) & cv::Rect(0, 0, pixels, pixels)};
}

Placement FacePlacement(cv::Size picture, const std::optional<FaceBox>& face, int pixels) {
  const double shorter = std::min(picture.width, picture.height);
  const FaceBox shown = face.has_value() ? FaceBox{face->x, face->y, face->side * (1 + 2 * kFaceMargin)}
                                         : FaceBox{picture.width / 2.0, picture.height / 2.0, shorter};
  const double side_max = 2.0 * std::max(picture.width, picture.height);
  return SquarePlacement(picture, FaceBox{shown.x, shown.y, std::clamp(shown.side, 1.0, side_max)}.Square(),
                         pixels);
}

}  // namespace interceptor::worker
