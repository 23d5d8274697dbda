#include "worker/media/cut_picture.h"

#include "common/base/status.h"

namespace interceptor::worker {

absl::StatusOr<YuvPicture> CutPicture(Video& video, const VideoFrame& frame, const Placement& placement,
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
