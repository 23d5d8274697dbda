#include "worker/media/frame_views.h"

#include <algorithm>

#include "common/base/status.h"
#include "worker/media/coded_picture.h"
#include "worker/media/cut_picture.h"

namespace interceptor::worker {
namespace {

// Mean luma of the picture inside a letterboxed view, 0 for black to 1 for white.
double Brightness(const YuvPicture& view, const cv::Rect& place) {
  const double mean = cv::mean(view.y(place))[0];
  return view.colours.full_range ? mean / 255 : std::clamp((mean - 16) / 219, 0.0, 1.0);
}

bool Contains(const std::vector<int64_t>& sorted, int64_t value) {
  return std::binary_search(sorted.begin(), sorted.end(), value);
}

class FrameViews final : public ClipView {
 public:
  FrameViews(const Schedule& schedule, int pixels, bool with_face)
      : schedule_(schedule), pixels_(pixels), with_face_(with_face) {}

  absl::Status Add(Video& video, const Part& part) override {
    for (const VideoFrame& frame : part.frames) {
      if (!Contains(schedule_.samples, frame.index)) continue;
      frame_seconds_.push_back(frame.seconds);
      types_.push_back(static_cast<double>(TypeOf(*frame.picture)));
      if (Contains(schedule_.wide, frame.index)) ICPT_RETURN_IF_ERROR(AddFull(video, frame));
      if (with_face_) ICPT_RETURN_IF_ERROR(AddFace(video, frame, part.FaceAt(frame.index)));
    }
    return absl::OkStatus();
  }

  void Finish(DecodedClip& clip) override {
    const auto frames = static_cast<int64_t>(frame_seconds_.size());
    const auto wide = static_cast<int64_t>(full_seconds_.size());
    clip.attributes["brightness"] = brightness_ / static_cast<double>(wide);
    clip.frame_seconds = std::move(frame_seconds_);
    clip.series["full_frame_seconds"] = std::move(full_seconds_);
    clip.series["picture_types"] = std::move(types_);
    const std::vector<int64_t> size = {pixels_ * 3 / 2, pixels_};
    clip.views.push_back({View::kFullFrame, {wide, size[0], size[1]}, std::move(full_)});
    if (!with_face_) return;
    clip.views.push_back({View::kFaceCrop, {frames, size[0], size[1]}, std::move(face_)});
    clip.series["face_boxes"] = std::move(boxes_);
  }

 private:
  absl::Status AddFull(Video& video, const VideoFrame& frame) {
    const Placement placement = LetterboxPlacement(video.UprightSize(frame), pixels_);
    ICPT_ASSIGN_OR_RETURN(const YuvPicture view, CutPicture(video, frame, placement, pixels_));
    brightness_ += Brightness(view, placement.place);
    full_seconds_.push_back(frame.seconds);
    AppendPlanes(view, full_);
    return absl::OkStatus();
  }

  absl::Status AddFace(Video& video, const VideoFrame& frame, const std::optional<FaceBox>& face) {
    const FaceBox shown = face.value_or(FaceBox{});
    boxes_.insert(boxes_.end(), {shown.x, shown.y, shown.side});
    const Placement placement = FacePlacement(video.UprightSize(frame), face, pixels_);
    ICPT_ASSIGN_OR_RETURN(const YuvPicture view, CutPicture(video, frame, placement, pixels_));
    AppendPlanes(view, face_);
    return absl::OkStatus();
  }

  const Schedule& schedule_;
  const int pixels_;
  const bool with_face_;
  std::vector<double> frame_seconds_;
  std::vector<double> full_seconds_;
  std::vector<double> types_;
  std::vector<double> boxes_;
  double brightness_ = 0;
  std::string full_;
  std::string face_;
};

}  // namespace

std::unique_ptr<ClipView> MakeFrameViews(const Schedule& schedule, int view_pixels, bool with_face) {
  return std::make_unique<FrameViews>(schedule, view_pixels, with_face);
}

}  // namespace interceptor::worker
