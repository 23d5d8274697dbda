#include "worker/prepare/views.h"

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

Placement FacePlacement(cv::Size picture, const std::optional<FaceBox>& face, int pixels) {
  const int shorter = std::min(picture.width, picture.height);
  const double wanted = face.has_value() ? face->side * (1 + 2 * kFaceMargin) : shorter;
  const int side =
      std::clamp(static_cast<int>(std::lround(wanted)), 1, 2 * std::max(picture.width, picture.height));
  const double x = face.has_value() ? face->x : picture.width / 2.0;
  const double y = face.has_value() ? face->y : picture.height / 2.0;
  const cv::Rect square(static_cast<int>(std::lround(x - side / 2.0)),
                        static_cast<int>(std::lround(y - side / 2.0)), side, side);
  const cv::Rect inside = square & cv::Rect({0, 0}, picture);
  if (inside.empty()) return {};
  const double scale = static_cast<double>(pixels) / side;
  const auto shown = [scale](int at) { return Even(at * scale); };
  const cv::Point from(shown(inside.x - square.x), shown(inside.y - square.y));
  const cv::Point to(shown(inside.x + inside.width - square.x), shown(inside.y + inside.height - square.y));
  return {inside, cv::Rect(from, to) & cv::Rect(0, 0, pixels, pixels)};
}

}  // namespace interceptor::worker
