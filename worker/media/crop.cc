#include "worker/media/crop.h"

#include <algorithm>
#include <cmath>

#include "common/base/status.h"

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

absl::StatusOr<YuvPicture> CropFrame(VideoDecoder& video, const VideoFrame& frame, const Placement& placement,
                                     int pixels) {
  const YuvColours colours = video.Colours();
  YuvPicture view{cv::Mat(pixels, pixels, CV_8UC1, cv::Scalar(colours.full_range ? 0 : 16)),
                  cv::Mat(pixels / 2, pixels / 2, CV_8UC1, cv::Scalar(128)),
                  cv::Mat(pixels / 2, pixels / 2, CV_8UC1, cv::Scalar(128)), colours};
  if (placement.area.empty() || placement.place.empty()) return view;
  const cv::Rect& place = placement.place;
  const cv::Rect half(place.x / 2, place.y / 2, place.width / 2, place.height / 2);
  ICPT_ASSIGN_OR_RETURN(const YuvPicture picture, video.Yuv(frame, placement.area, place.size()));
  if (!(picture.colours == colours)) return DataLoss("its colours change in mid-stream");
  picture.y.copyTo(view.y(place));
  picture.cb.copyTo(view.cb(half));
  picture.cr.copyTo(view.cr(half));
  return view;
}

void AppendPlane(const cv::Mat& plane, std::string& bytes) {
  for (int row = 0; row < plane.rows; ++row) {
    bytes.append(reinterpret_cast<const char*>(plane.ptr(row)), static_cast<size_t>(plane.cols));
  }
}

void AppendPlanes(const YuvPicture& picture, std::string& bytes) {
  for (const cv::Mat* plane : {&picture.y, &picture.cb, &picture.cr}) AppendPlane(*plane, bytes);
}

}  // namespace interceptor::worker
