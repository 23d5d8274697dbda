#include "worker/prepare/view_cutter.h"

#include <algorithm>
#include <opencv2/imgproc.hpp>

#include "common/base/status.h"
#include "worker/prepare/views.h"

namespace interceptor::worker {
namespace {

// The factor from the pixels in which faces are searched to those of the upright picture.
double SearchScale(cv::Size picture) {
  return std::max(1.0,
                  static_cast<double>(std::max(picture.width, picture.height)) / FaceDetector::kSearchPixels);
}

int Black(const YuvColours& colours) { return colours.full_range ? 0 : 16; }

// The view `placement` of a frame, `pixels` wide and high; black around it.
absl::StatusOr<YuvPicture> Cut(Video& video, const VideoFrame& frame, const Placement& placement, int pixels,
                               const YuvColours& colours) {
  YuvPicture view{cv::Mat(pixels, pixels, CV_8UC1, cv::Scalar(Black(colours))),
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

void AppendPixels(const YuvPicture& view, std::string& bytes) {
  for (const cv::Mat* plane : {&view.y, &view.cb, &view.cr}) {
    bytes.append(reinterpret_cast<const char*>(plane->data), plane->total());
  }
}

// Mean luma of the picture inside a letterboxed view, 0 for black to 1 for white.
double Brightness(const YuvPicture& view, const cv::Rect& area) {
  const double mean = cv::mean(view.y(area))[0];
  return view.colours.full_range ? mean / 255 : std::clamp((mean - 16) / 219, 0.0, 1.0);
}

cv::Mat GreyHistogram(const cv::Mat& luma) {
  constexpr int kBins = 32;
  cv::Mat histogram;
  cv::calcHist(std::vector<cv::Mat>{luma}, {0}, {}, histogram, {kBins}, {0, 256});
  return histogram / static_cast<double>(luma.total());
}

// `wanted` frames of `all`, spread evenly, at least `stride` frames of the clip apart.
std::vector<VideoFrame> Spread(const std::vector<VideoFrame>& all, size_t wanted, int64_t stride) {
  std::vector<VideoFrame> chosen;
  for (const int64_t at : EvenlySpread(static_cast<int64_t>(all.size()), static_cast<int>(wanted))) {
    const VideoFrame& frame = all[static_cast<size_t>(at)];
    if (chosen.empty() || frame.index - chosen.back().index >= stride) chosen.push_back(frame);
  }
  return chosen;
}

double Median(std::vector<double> values) {
  if (values.empty()) return 0;
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

}  // namespace

bool IsCut(const cv::Mat& before, const cv::Mat& after) {
  constexpr double kSharedMin = 0.5;
  return cv::compareHist(GreyHistogram(before), GreyHistogram(after), cv::HISTCMP_INTERSECT) < kSharedMin;
}

ViewCutter::ViewCutter(Video& video, const DecodeJob& job, FaceDetector& detector)
    : video_(video), job_(job), detector_(detector) {}

bool ViewCutter::Wants(View view) const {
  return std::find(job_.views.begin(), job_.views.end(), view) != job_.views.end();
}

absl::Status ViewCutter::Add(const VideoFrame& frame) {
  const cv::Size size = video_.UprightSize(frame);
  if (size_.empty()) {
    size_ = size;
    colours_ = video_.Colours(frame);
  }
  const Placement placement = LetterboxPlacement(size, job_.view_pixels);
  ICPT_ASSIGN_OR_RETURN(const YuvPicture full, Cut(video_, frame, placement, job_.view_pixels, colours_));
  brightness_ += Brightness(full, placement.place);
  clip_.frame_seconds.push_back(frame.seconds);
  if (Wants(View::kFullFrame)) AppendPixels(full, full_);
  if (!Wants(View::kFaceCrop)) return absl::OkStatus();
  const bool cut = !last_luma_.empty() && IsCut(last_luma_, full.y);
  last_luma_ = full.y;
  if (cut || part_.size() == kPartFrames) ICPT_RETURN_IF_ERROR(CutPart());
  if (cut) last_face_.reset();
  part_.push_back(frame);
  return absl::OkStatus();
}

absl::StatusOr<FaceTrack> ViewCutter::FollowFace() {
  FaceTrack track;
  for (const VideoFrame& frame : Spread(part_, kSearchedMax, job_.face_detection_stride)) {
    ICPT_ASSIGN_OR_RETURN(const cv::Mat luma, video_.Luma(frame, FaceDetector::kSearchPixels));
    const std::optional<FaceBox> box = detector_.Find(luma, last_face_);
    track.Add(frame.index, box);
    ++searched_;
    if (!box.has_value()) continue;
    last_face_ = box;
    sides_.push_back(box->side * SearchScale(video_.UprightSize(frame)));
  }
  return track;
}

absl::Status ViewCutter::CutPart() {
  ICPT_ASSIGN_OR_RETURN(const FaceTrack track, FollowFace());
  for (const VideoFrame& frame : part_) ICPT_RETURN_IF_ERROR(CutFace(frame, track));
  part_.clear();
  return absl::OkStatus();
}

absl::Status ViewCutter::CutFace(const VideoFrame& frame, const FaceTrack& track) {
  const cv::Size size = video_.UprightSize(frame);
  std::optional<FaceBox> face = track.At(frame.index);
  if (face.has_value()) {
    const double scale = SearchScale(size);
    face = FaceBox{face->x * scale, face->y * scale, face->side * scale};
  }
  const Placement placement = FacePlacement(size, face, job_.view_pixels);
  ICPT_ASSIGN_OR_RETURN(const YuvPicture view, Cut(video_, frame, placement, job_.view_pixels, colours_));
  AppendPixels(view, face_);
  return absl::OkStatus();
}

absl::StatusOr<DecodedClip> ViewCutter::Finish() {
  if (!part_.empty()) ICPT_RETURN_IF_ERROR(CutPart());
  const auto frames = static_cast<int64_t>(clip_.frame_seconds.size());
  const std::vector<int64_t> shape = {frames, job_.view_pixels * 3 / 2, job_.view_pixels};
  if (Wants(View::kFullFrame)) clip_.views.push_back({View::kFullFrame, shape, std::move(full_)});
  if (Wants(View::kFaceCrop)) clip_.views.push_back({View::kFaceCrop, shape, std::move(face_)});
  clip_.colours = colours_;
  const VideoFacts& facts = video_.facts();
  const double pixels = static_cast<double>(size_.width) * size_.height;
  clip_.attributes = {{"bits_per_pixel", static_cast<double>(facts.stream_bytes) * 8 /
                                             (static_cast<double>(facts.frames) * pixels)},
                      {"brightness", brightness_ / static_cast<double>(frames)},
                      {"duration_s", facts.duration_seconds},
                      {"frame_rate", facts.frame_rate},
                      {"height", static_cast<double>(size_.height)},
                      {"width", static_cast<double>(size_.width)}};
  if (Wants(View::kFaceCrop)) {
    clip_.attributes["face_pixels"] = Median(sides_);
    clip_.attributes["face_share"] =
        searched_ == 0 ? 0.0 : static_cast<double>(sides_.size()) / static_cast<double>(searched_);
  }
  return std::move(clip_);
}

}  // namespace interceptor::worker
