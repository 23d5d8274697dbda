#include "worker/media/motion_views.h"

#include <algorithm>
#include <cmath>

#include "common/base/status.h"
#include "worker/media/cut_picture.h"

namespace interceptor::worker {
namespace {

class MouthTrack final : public ClipView {
 public:
  explicit MouthTrack(const Schedule& schedule) : schedule_(schedule) {}

  absl::Status Add(Video& video, const Part& part) override {
    while (window_ < schedule_.windows.size()) {
      const std::vector<int64_t>& wanted = schedule_.windows[window_].frames;
      if (wanted[next_] == kNoFrame) {
        AddNothing(1);
      } else {
        const VideoFrame* frame = part.Find(wanted[next_]);
        if (frame == nullptr) return absl::OkStatus();
        ICPT_RETURN_IF_ERROR(AddFrame(video, *frame, part.FaceAt(frame->index)));
      }
      if (++next_ < wanted.size()) continue;
      AddNothing(kMouthFrames - wanted.size());
      ++window_;
      next_ = 0;
    }
    return absl::OkStatus();
  }

  void Finish(DecodedClip& clip) override {
    const bool found = std::any_of(sides_.begin(), sides_.end(), [](double side) { return side > 0; });
    if (!found) return;
    const auto windows = static_cast<int64_t>(schedule_.windows.size());
    clip.views.push_back(
        {View::kMouthTrack, {windows, kMouthFrames, kMouthPixels, kMouthPixels}, std::move(mouths_)});
    clip.series["mouth_sides"] = std::move(sides_);
  }

 private:
  absl::Status AddFrame(Video& video, const VideoFrame& frame, const std::optional<FaceBox>& face) {
    constexpr double kMouthShare = 0.45;
    Placement placement;
    double side = 0;
    if (face.has_value()) {
      side = kMouthShare * face->side;
      const FaceBox mouth{face->x, face->y + (face->side - side) / 2, side};
      placement = SquarePlacement(video.UprightSize(frame), mouth.Square(), kMouthPixels);
    }
    ICPT_ASSIGN_OR_RETURN(const YuvPicture view, CutPicture(video, frame, placement, kMouthPixels));
    AppendPlane(view.y, mouths_);
    sides_.push_back(side);
    return absl::OkStatus();
  }

  void AddNothing(size_t frames) {
    mouths_.append(frames * kMouthPixels * kMouthPixels, '\0');
    sides_.resize(sides_.size() + frames, 0.0);
  }

  const Schedule& schedule_;
  size_t window_ = 0;  // whose frame next_ comes next
  size_t next_ = 0;
  std::string mouths_;
  std::vector<double> sides_;
};

class Bursts final : public ClipView {
 public:
  explicit Bursts(const Schedule& schedule) : schedule_(schedule) {}

  absl::Status Add(Video& video, const Part& part) override {
    for (const auto& burst : schedule_.bursts) {
      const std::optional<FaceBox> face = part.FaceAt(burst[kBurstFrames / 2]);
      const bool is_whole =
          std::all_of(burst.begin(), burst.end(), [&](int64_t index) { return part.Find(index) != nullptr; });
      if (is_whole && face.has_value()) ICPT_RETURN_IF_ERROR(AddBurst(video, part, burst, *face));
    }
    return absl::OkStatus();
  }

  void Finish(DecodedClip& clip) override {
    if (count_ == 0) return;
    clip.views.push_back(
        {View::kBurst, {count_, kBurstFrames, kBurstPixels * 3 / 2, kBurstPixels}, std::move(pictures_)});
    clip.series["burst_seconds"] = std::move(seconds_);
    clip.series["burst_boxes"] = std::move(boxes_);
  }

 private:
  absl::Status AddBurst(Video& video, const Part& part, const std::array<int64_t, kBurstFrames>& burst,
                        const FaceBox& face) {
    for (const int64_t index : burst) {
      const VideoFrame& frame = *part.Find(index);
      const Placement placement = FacePlacement(video.UprightSize(frame), face, kBurstPixels);
      ICPT_ASSIGN_OR_RETURN(const YuvPicture view, CutPicture(video, frame, placement, kBurstPixels));
      AppendPlanes(view, pictures_);
      seconds_.push_back(frame.seconds);
    }
    boxes_.insert(boxes_.end(), {face.x, face.y, face.side});
    ++count_;
    return absl::OkStatus();
  }

  const Schedule& schedule_;
  int64_t count_ = 0;
  std::string pictures_;
  std::vector<double> seconds_;
  std::vector<double> boxes_;
};

}  // namespace

std::unique_ptr<ClipView> MakeMouthTrack(const Schedule& schedule) {
  return std::make_unique<MouthTrack>(schedule);
}
std::unique_ptr<ClipView> MakeBursts(const Schedule& schedule) { return std::make_unique<Bursts>(schedule); }

}  // namespace interceptor::worker
