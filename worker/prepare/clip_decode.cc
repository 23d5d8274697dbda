#include "worker/prepare/clip_decode.h"

#include <algorithm>
#include <new>
#include <opencv2/imgproc.hpp>

#include "common/base/status.h"
#include "worker/prepare/faces.h"
#include "worker/prepare/video.h"
#include "worker/prepare/views.h"

namespace interceptor::worker {
namespace {

// Every `stride`-th frame up to the last one of which a view is wanted.
std::vector<int64_t> SearchedFrames(const std::vector<int64_t>& viewed, int stride) {
  std::vector<int64_t> searched;
  for (int64_t frame = 0; frame <= viewed.back(); frame += stride) searched.push_back(frame);
  return searched;
}

struct Pass {
  std::vector<VideoFrame> viewed;
  FaceTrack track;
};

// The one pass: keeps the frames to be viewed, because their boxes are known only when the track is whole.
absl::StatusOr<Pass> DecodePass(Video& video, const std::vector<int64_t>& viewed, int stride,
                                FaceDetector& detector) {
  const std::vector<int64_t> searched = SearchedFrames(viewed, stride);
  std::vector<int64_t> all;
  std::set_union(viewed.begin(), viewed.end(), searched.begin(), searched.end(), std::back_inserter(all));
  Pass pass;
  std::optional<FaceBox> last;
  ICPT_RETURN_IF_ERROR(video.Decode(all, [&](const VideoFrame& frame) -> absl::Status {
    if (std::binary_search(viewed.begin(), viewed.end(), frame.index)) pass.viewed.push_back(frame);
    if (!std::binary_search(searched.begin(), searched.end(), frame.index)) return absl::OkStatus();
    ICPT_ASSIGN_OR_RETURN(const cv::Mat luma, video.Luma(frame, FaceDetector::kSearchPixels));
    std::optional<FaceBox> box = detector.Find(luma, last);
    if (box.has_value()) last = box;
    pass.track.Add(frame.index, box);
    return absl::OkStatus();
  }));
  return pass;
}

// The factor from the pixels in which faces are searched to those of the upright picture.
double SearchScale(cv::Size picture) {
  return std::max(1.0,
                  static_cast<double>(std::max(picture.width, picture.height)) / FaceDetector::kSearchPixels);
}

void AppendPixels(const cv::Mat& view, std::string& bytes) {
  for (int row = 0; row < view.rows; ++row) {
    bytes.append(reinterpret_cast<const char*>(view.ptr(row)), static_cast<size_t>(view.cols) * 3);
  }
}

// Mean luma (BT.601 weights) of the picture inside a letterboxed view, 0 to 1.
double Brightness(const cv::Mat& view, const cv::Rect& area) {
  const cv::Scalar mean = cv::mean(view(area));
  return (0.299 * mean[0] + 0.587 * mean[1] + 0.114 * mean[2]) / 255;
}

std::map<std::string, double> Attributes(const VideoFacts& facts, cv::Size picture, const FaceTrack& track) {
  const double pixels = static_cast<double>(picture.width) * picture.height;
  return {{"bits_per_pixel",
           static_cast<double>(facts.stream_bytes) * 8 / (static_cast<double>(facts.frames) * pixels)},
          {"duration_s", facts.duration_seconds},
          {"face_pixels", track.MedianSide() * SearchScale(picture)},
          {"face_share", track.FaceShare()},
          {"frame_rate", facts.frame_rate},
          {"height", static_cast<double>(picture.height)},
          {"width", static_cast<double>(picture.width)}};
}

absl::StatusOr<DecodedClip> CutViews(Video& video, const Pass& pass, int pixels) {
  DecodedClip clip;
  const std::vector<int64_t> shape = {static_cast<int64_t>(pass.viewed.size()), pixels, pixels, 3};
  clip.views = {{View::kFullFrame, shape, ""}, {View::kFaceCrop, shape, ""}};
  double brightness = 0;
  for (const VideoFrame& frame : pass.viewed) {
    ICPT_ASSIGN_OR_RETURN(const cv::Mat rgb, video.Rgb(frame));
    std::optional<FaceBox> face = pass.track.At(frame.index);
    if (face.has_value()) {
      const double scale = SearchScale(rgb.size());
      face = FaceBox{face->x * scale, face->y * scale, face->side * scale};
    }
    if (clip.attributes.empty()) clip.attributes = Attributes(video.facts(), rgb.size(), pass.track);
    const cv::Mat full = Letterbox(rgb, pixels);
    brightness += Brightness(full, LetterboxArea(rgb.size(), pixels));
    AppendPixels(full, clip.views[0].bytes);
    AppendPixels(FaceCrop(rgb, face, pixels), clip.views[1].bytes);
    clip.frame_seconds.push_back(frame.seconds);
  }
  clip.attributes["brightness"] = brightness / static_cast<double>(pass.viewed.size());
  return clip;
}

}  // namespace

std::vector<int64_t> EvenlySpread(int64_t frames, int count) {
  const int64_t taken = std::min<int64_t>(frames, count);
  std::vector<int64_t> indices;
  for (int64_t k = 0; k < taken; ++k) indices.push_back((2 * k + 1) * frames / (2 * taken));
  return indices;
}

absl::StatusOr<DecodedClip> DecodeClip(std::string_view bytes, const DecodeJob& job, FaceDetector& detector) {
  try {
    ICPT_ASSIGN_OR_RETURN(const auto video, Video::Open(bytes));
    const std::vector<int64_t> viewed = EvenlySpread(video->facts().frames, job.frames);
    ICPT_ASSIGN_OR_RETURN(const Pass pass, DecodePass(*video, viewed, job.face_detection_stride, detector));
    return CutViews(*video, pass, job.view_pixels);
  } catch (const std::bad_alloc&) {
    return ResourceExhausted("it needs more memory than a decoder may use");
  } catch (const cv::Exception& exception) {
    // OpenCV reports failed allocations as its own exception.
    if (exception.code == cv::Error::StsNoMem) {
      return ResourceExhausted("it needs more memory than a decoder may use");
    }
    return DataLoss("its pictures cannot be processed: ", exception.err);
  }
}

}  // namespace interceptor::worker
