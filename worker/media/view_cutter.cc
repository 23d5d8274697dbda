#include "worker/media/view_cutter.h"

#include <algorithm>
#include <opencv2/imgproc.hpp>
#include <utility>

#include "common/base/status.h"
#include "worker/media/frame_views.h"
#include "worker/media/motion_views.h"
#include "worker/media/patch_views.h"

namespace interceptor::worker {
namespace {

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

std::optional<FaceBox> Part::FaceAt(int64_t index) const {
  const VideoFrame* frame = Find(index);
  return frame == nullptr || faces.empty() ? std::nullopt : faces[static_cast<size_t>(frame - frames.data())];
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

bool ViewCutter::BeginsShot(int64_t index, const Sketch& sketch) {
  const Sketch last = std::exchange(last_sketch_, sketch);
  const std::vector<int64_t>& after_gaps = schedule_.after_gaps;
  const auto gap = std::upper_bound(after_gaps.begin(), after_gaps.end(), std::exchange(last_index_, index));
  if (last.luma.empty()) return false;
  if (gap != after_gaps.end() && *gap <= index) return true;
  // Pixels of another size are another shot too: the face's place is told in them.
  return sketch.luma.size() != last.luma.size() || sketch.scale_x != last.scale_x ||
         sketch.scale_y != last.scale_y || IsCut(last.luma, sketch.luma);
}

bool ViewCutter::IsInsideBurst(int64_t index) const {
  return std::any_of(schedule_.bursts.begin(), schedule_.bursts.end(),
                     [index](const auto& burst) { return index > burst.front() && index <= burst.back(); });
}

absl::Status ViewCutter::Add(const VideoFrame& frame, const Sketch& sketch) {
  if (size_.empty()) size_ = video_.UprightSize(frame);
  const bool begins_shot = BeginsShot(frame.index, sketch);
  const bool is_full = part_.frames.size() >= kPartFrames && !IsInsideBurst(frame.index);
  if (begins_shot || is_full) ICPT_RETURN_IF_ERROR(CutPart());
  if (begins_shot) {
    follower_ = FaceFollower();
    is_first_of_shot_ = true;
    last_searched_ = -1;
  }
  part_.frames.push_back(frame);
  sketches_.push_back(sketch);
  return absl::OkStatus();
}

std::vector<size_t> ViewCutter::PlaceSearches() {
  const size_t last = part_.frames.size() - 1;
  std::vector<size_t> wanted = {last};
  if (std::exchange(is_first_of_shot_, false)) wanted = {0, part_.frames.size() / 2, last};
  std::vector<size_t> searched;
  for (const size_t at : wanted) {
    const int64_t index = part_.frames[at].index;
    if (last_searched_ >= 0 && index - last_searched_ < job_.face_detection_stride) continue;
    last_searched_ = index;
    searched.push_back(at);
  }
  return searched;
}

absl::StatusOr<std::optional<FaceBox>> ViewCutter::Search(const VideoFrame& frame,
                                                          const std::optional<FaceBox>& expected) {
  ++searched_;
  ICPT_ASSIGN_OR_RETURN(const std::optional<FaceBox> box, FindFace(detector_, video_, frame, expected));
  if (box.has_value()) sides_.push_back(box->side);
  return box;
}

absl::Status ViewCutter::FollowFace() {
  ICPT_ASSIGN_OR_RETURN(
      part_.faces,
      follower_.Follow(sketches_, PlaceSearches(), [this](size_t at, const std::optional<FaceBox>& expected) {
        return Search(part_.frames[at], expected);
      }));
  return absl::OkStatus();
}

absl::Status ViewCutter::CutPart() {
  if (part_.frames.empty()) return absl::OkStatus();
  if (with_face_) ICPT_RETURN_IF_ERROR(FollowFace());
  for (const auto& view : views_) ICPT_RETURN_IF_ERROR(view->Add(video_, part_));
  part_ = {};
  sketches_.clear();
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
