#include "worker/media/view_extractor.h"

#include <algorithm>
#include <opencv2/imgproc.hpp>
#include <utility>

#include "common/base/status.h"

namespace interceptor::worker {
namespace {

cv::Mat Histogram(const cv::Mat& luma) {
  constexpr int kBins = 32;
  cv::Mat histogram;
  cv::calcHist(std::vector<cv::Mat>{luma}, {0}, {}, histogram, {kBins}, {0, 256});
  return histogram / static_cast<double>(luma.total());
}

}  // namespace

bool IsShotBoundary(const cv::Mat& before, const cv::Mat& after) {
  constexpr double kSharedMin = 0.5;
  return cv::compareHist(Histogram(before), Histogram(after), cv::HISTCMP_INTERSECT) < kSharedMin;
}

ViewExtractor::ViewExtractor(VideoDecoder& video, const FrameSelection& selection, const DecodeJob& job,
                             FaceDetector& detector)
    : video_(video),
      selection_(selection),
      job_(job),
      detector_(detector),
      with_face_(job.Wants(View::kFaceCrop)),
      builders_(MakeViewBuilders(selection, job)) {}

bool ViewExtractor::BeginsShot(int64_t index, const LumaThumbnail& thumbnail) {
  const LumaThumbnail last = std::exchange(last_thumbnail_, thumbnail);
  const std::vector<int64_t>& after_gaps = selection_.after_gaps;
  const auto gap = std::ranges::upper_bound(after_gaps, std::exchange(last_index_, index));
  if (last.luma.empty()) return false;
  if (gap != after_gaps.end() && *gap <= index) return true;
  // Pixels of another size begin a shot too: the face's place is given in them.
  return thumbnail.luma.size() != last.luma.size() || thumbnail.scale_x != last.scale_x ||
         thumbnail.scale_y != last.scale_y || IsShotBoundary(last.luma, thumbnail.luma);
}

bool ViewExtractor::IsInsideBurst(int64_t index) const {
  return std::ranges::any_of(selection_.bursts, [index](const auto& burst) {
    return index > burst.front() && index <= burst.back();
  });
}

absl::Status ViewExtractor::Add(const VideoFrame& frame, const LumaThumbnail& thumbnail) {
  if (size_.empty()) size_ = video_.UprightSize(frame);
  const bool begins_shot = BeginsShot(frame.index, thumbnail);
  const bool is_full = segment_.frames.size() >= kSegmentFramesMax && !IsInsideBurst(frame.index);
  if (begins_shot || is_full) ICPT_RETURN_IF_ERROR(FinishSegment());
  if (begins_shot) {
    tracker_ = FaceTracker();
    is_first_of_shot_ = true;
    last_detected_on_ = -1;
  }
  segment_.frames.push_back(frame);
  thumbnails_.push_back(thumbnail);
  return absl::OkStatus();
}

std::vector<size_t> ViewExtractor::FramesToDetectOn() {
  const size_t last = segment_.frames.size() - 1;
  std::vector<size_t> wanted = {last};
  if (std::exchange(is_first_of_shot_, false)) wanted = {0, segment_.frames.size() / 2, last};
  std::vector<size_t> chosen;
  for (const size_t at : wanted) {
    const int64_t index = segment_.frames[at].index;
    if (last_detected_on_ >= 0 && index - last_detected_on_ < job_.face_detection_stride) continue;
    last_detected_on_ = index;
    chosen.push_back(at);
  }
  return chosen;
}

absl::Status ViewExtractor::TrackFace() {
  const auto detect =
      [this](size_t at, const std::optional<FaceBox>& expected) -> absl::StatusOr<std::optional<FaceBox>> {
    ++detections_;
    ICPT_ASSIGN_OR_RETURN(const std::optional<FaceBox> box,
                          FindFace(detector_, video_, segment_.frames[at], expected));
    if (box.has_value()) sides_.push_back(box->side);
    return box;
  };
  ICPT_ASSIGN_OR_RETURN(segment_.faces, tracker_.Track(thumbnails_, FramesToDetectOn(), detect));
  return absl::OkStatus();
}

absl::Status ViewExtractor::FinishSegment() {
  if (segment_.frames.empty()) return absl::OkStatus();
  if (with_face_) ICPT_RETURN_IF_ERROR(TrackFace());
  for (const auto& builder : builders_) ICPT_RETURN_IF_ERROR(builder->Add(video_, segment_));
  segment_ = {};
  thumbnails_.clear();
  return absl::OkStatus();
}

absl::StatusOr<DecodedClip> ViewExtractor::Finish() {
  ICPT_RETURN_IF_ERROR(FinishSegment());
  const VideoInfo& info = video_.info();
  const double pixels = static_cast<double>(size_.width) * size_.height;
  DecodedClip clip;
  clip.colours = video_.Colours();
  clip.attributes = {{"bits_per_pixel", static_cast<double>(info.stream_bytes) * 8 /
                                            (static_cast<double>(info.frames) * pixels)},
                     {"duration_s", info.duration_seconds},
                     {"frame_rate", info.frame_rate},
                     {"height", static_cast<double>(size_.height)},
                     {"width", static_cast<double>(size_.width)}};
  if (with_face_) {
    clip.attributes["face_pixels"] = Median(sides_);
    clip.attributes["face_share"] = static_cast<double>(sides_.size()) / static_cast<double>(detections_);
  }
  for (const auto& builder : builders_) builder->Finish(clip);
  return clip;
}

}  // namespace interceptor::worker
