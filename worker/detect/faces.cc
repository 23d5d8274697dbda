#include "worker/detect/faces.h"

#include <algorithm>
#include <cmath>
#include <opencv2/imgcodecs.hpp>
#include <opencv2/imgproc.hpp>

#include "common/base/status.h"
#include "worker/store/sample_views.h"

namespace interceptor::worker {
namespace {

bool HasFace(const DecodedClip& clip, size_t frame) {
  const auto boxes = clip.series.find("face_boxes");
  return boxes != clip.series.end() && 3 * frame + 2 < boxes->second.size() &&
         boxes->second[3 * frame + 2] > 0;
}

absl::StatusOr<std::string> Png(int side, std::vector<uint8_t>& rgb) {
  const cv::Mat picture(side, side, CV_8UC3, rgb.data());
  cv::Mat bgr;
  cv::cvtColor(picture, bgr, cv::COLOR_RGB2BGR);
  std::vector<uint8_t> png;
  try {
    if (!cv::imencode(".png", bgr, png)) return Internal("a picture cannot be written as PNG");
  } catch (const cv::Exception& error) {
    return Internal("a picture cannot be written as PNG: ", error.what());
  }
  return std::string(png.begin(), png.end());
}

}  // namespace

std::vector<size_t> FramesWithFace(const DecodedClip& clip) {
  std::vector<size_t> frames;
  for (size_t i = 0; i < clip.frame_seconds.size(); ++i) {
    if (HasFace(clip, i)) frames.push_back(i);
  }
  return frames;
}

std::vector<double> SecondsWithoutFace(const DecodedClip& clip) {
  std::vector<double> seconds;
  for (size_t i = 0; i < clip.frame_seconds.size(); ++i) {
    if (!HasFace(clip, i) && std::isfinite(clip.frame_seconds[i])) seconds.push_back(clip.frame_seconds[i]);
  }
  return seconds;
}

absl::StatusOr<std::vector<FacePicture>> FacePictures(const DecodedClip& clip, int count) {
  const std::vector<size_t> frames = FramesWithFace(clip);
  std::vector<FacePicture> pictures;
  if (frames.empty()) return pictures;
  const StoredClip stored = StoredClipOf(clip);
  ICPT_ASSIGN_OR_RETURN(const int side, PictureSide(stored, View::kFaceCrop));
  const size_t shown = std::min(frames.size(), static_cast<size_t>(count));
  for (size_t i = 0; i < shown; ++i) {
    // In the middle of each of `shown` equal parts.
    const size_t at = (2 * i + 1) * frames.size() / (2 * shown);
    std::vector<uint8_t> rgb(static_cast<size_t>(side) * side * 3);
    ICPT_RETURN_IF_ERROR(CopyPicture(stored, View::kFaceCrop, static_cast<int64_t>(frames[at]), rgb.data()));
    ICPT_ASSIGN_OR_RETURN(std::string png, Png(side, rgb));
    pictures.push_back({.frame = at, .png = std::move(png)});
  }
  return pictures;
}

}  // namespace interceptor::worker
