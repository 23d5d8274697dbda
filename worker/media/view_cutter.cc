#include "worker/media/view_cutter.h"

#include <algorithm>
#include <opencv2/imgproc.hpp>

#include "common/base/status.h"
#include "worker/media/coded_picture.h"
#include "worker/media/frame_views.h"
#include "worker/media/motion_views.h"
#include "worker/media/patch_views.h"

namespace interceptor::worker {
namespace {

// The factor from the pixels in which faces are searched to those of the upright picture.
double SearchScale(cv::Size picture) {
  return std::max(1.0,
                  static_cast<double>(std::max(picture.width, picture.height)) / FaceDetector::kSearchPixels);
}

cv::Mat Histogram(const cv::Mat& luma) {
  constexpr int kBins = 32;
  cv::Mat histogram;
  cv::calcHist(std::vector<cv::Mat>{luma}, {0}, {}, histogram, {kBins}, {0, 256});
  return histogram / static_cast<double>(luma.total());
}

double Median(std::vector<double> values) {
  if (values.empty()) return 0;
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

}  // namespace

const VideoFrame* Part::Find(int64_t index) const {
  const auto at =
      std::lower_bound(frames.begin(), frames.end(), index,
                       [](const VideoFrame& frame, int64_t wanted) { return frame.index < wanted; });
  return at != frames.end() && at->index == index ? &*at : nullptr;
}

bool IsCut(const cv::Mat& before, const cv::Mat& after) {
  constexpr double kSharedMin = 0.5;
  return cv::compareHist(Histogram(before), Histogram(after), cv::HISTCMP_INTERSECT) < kSharedMin;
}

ViewCutter::ViewCutter(Video& video, const Schedule& schedule, const DecodeJob& job, FaceDetector& detector)
    : video_(video), schedule_(schedule), job_(job), detector_(detector) {
  with_face_ = job.Wants(View::kFaceCrop);
  views_.push_back(MakeFrameViews(schedule, job.view_pixels, with_face_));
  if (job.Wants(View::kLumaPatches)) views_.push_back(MakePatchViews(schedule));
  if (!schedule.windows.empty()) views_.push_back(MakeMouthTrack(schedule));
  if (!schedule.bursts.empty()) views_.push_back(MakeBursts(schedule));
}

absl::StatusOr<bool> ViewCutter::BeginsShot(const VideoFrame& frame) {
  constexpr int kSketchPixels = 64;
  cv::Mat sketch = LumaSketch(*frame.picture);
  if (sketch.empty()) {
    ICPT_ASSIGN_OR_RETURN(sketch, video_.Luma(frame, kSketchPixels));
  }
  const bool is_cut = !last_sketch_.empty() && IsCut(last_sketch_, sketch);
  last_sketch_ = sketch;
  return is_cut;
}

bool ViewCutter::IsInsideBurst(int64_t index) const {
  return std::any_of(schedule_.bursts.begin(), schedule_.bursts.end(),
                     [index](const auto& burst) { return index > burst.front() && index <= burst.back(); });
}

absl::Status ViewCutter::Add(const VideoFrame& frame) {
  if (size_.empty()) size_ = video_.UprightSize(frame);
  ICPT_ASSIGN_OR_RETURN(const bool begins_shot, BeginsShot(frame));
  const bool is_full = part_.frames.size() >= kPartFrames && !IsInsideBurst(frame.index);
  if (begins_shot || is_full) ICPT_RETURN_IF_ERROR(CutPart());
  if (begins_shot) {
    part_.track = FaceTrack();
    is_first_of_shot_ = true;
    last_searched_ = -1;
    last_face_.reset();
  }
  part_.frames.push_back(frame);
  return absl::OkStatus();
}

absl::Status ViewCutter::Search(const VideoFrame& frame) {
  if (last_searched_ >= 0 && frame.index - last_searched_ < job_.face_detection_stride)
    return absl::OkStatus();
  last_searched_ = frame.index;
  ++searched_;
  ICPT_ASSIGN_OR_RETURN(const cv::Mat luma, video_.Luma(frame, FaceDetector::kSearchPixels));
  const std::optional<FaceBox> box = detector_.Find(luma, last_face_);
  if (!box.has_value()) return absl::OkStatus();
  last_face_ = box;
  const double scale = SearchScale(video_.UprightSize(frame));
  part_.track.Add(frame.index, {box->x * scale, box->y * scale, box->side * scale});
  sides_.push_back(box->side * scale);
  return absl::OkStatus();
}

absl::Status ViewCutter::FollowFace() {
  const std::vector<VideoFrame>& frames = part_.frames;
  if (std::exchange(is_first_of_shot_, false)) {
    ICPT_RETURN_IF_ERROR(Search(frames.front()));
    ICPT_RETURN_IF_ERROR(Search(frames[frames.size() / 2]));
  }
  return Search(frames.back());
}

absl::Status ViewCutter::CutPart() {
  if (part_.frames.empty()) return absl::OkStatus();
  if (with_face_) ICPT_RETURN_IF_ERROR(FollowFace());
  for (const auto& view : views_) ICPT_RETURN_IF_ERROR(view->Add(video_, part_));
  part_.frames.clear();
  return absl::OkStatus();
}

absl::StatusOr<DecodedClip> ViewCutter::Finish() {
  ICPT_RETURN_IF_ERROR(CutPart());
  const VideoFacts& facts = video_.facts();
  const double pixels = static_cast<double>(size_.width) * size_.height;
  DecodedClip clip;
  clip.colours = video_.Colours();
  clip.attributes = {{"bits_per_pixel", static_cast<double>(facts.stream_bytes) * 8 /
                                            (static_cast<double>(facts.frames) * pixels)},
                     {"duration_s", facts.duration_seconds},
                     {"frame_rate", facts.frame_rate},
                     {"height", static_cast<double>(size_.height)},
                     {"width", static_cast<double>(size_.width)}};
  if (with_face_) {
    clip.attributes["face_pixels"] = Median(sides_);
    clip.attributes["face_share"] = static_cast<double>(sides_.size()) / static_cast<double>(searched_);
  }
  for (const auto& view : views_) view->Finish(clip);
  return clip;
}

}  // namespace interceptor::worker
