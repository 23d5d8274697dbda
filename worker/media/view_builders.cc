#include "worker/media/view_builders.h"

#include <algorithm>
#include <cmath>

#include "common/base/status.h"
#include "worker/media/crop.h"
#include "worker/media/frame_converter.h"

namespace interceptor::worker {
namespace {

// Mean luma of the picture inside a letterboxed view, 0 for black to 1 for white.
double Brightness(const YuvPicture& view, const cv::Rect& place) {
  const double mean = cv::mean(view.y(place))[0];
  return view.colours.full_range ? mean / 255 : std::clamp((mean - 16) / 219, 0.0, 1.0);
}

bool Contains(const std::vector<int64_t>& sorted, int64_t value) {
  return std::ranges::binary_search(sorted, value);
}

class FrameViewBuilder final : public ViewBuilder {
 public:
  FrameViewBuilder(const FrameSelection& selection, int pixels, bool with_face)
      : selection_(selection), pixels_(pixels), with_face_(with_face) {}

  absl::Status Add(VideoDecoder& video, const Segment& segment) override {
    for (const VideoFrame& frame : segment.frames) {
      if (!Contains(selection_.samples, frame.index)) continue;
      frame_seconds_.push_back(frame.seconds);
      types_.push_back(static_cast<double>(TypeOf(*frame.picture)));
      if (Contains(selection_.full_frames, frame.index)) ICPT_RETURN_IF_ERROR(AddFull(video, frame));
      if (with_face_) ICPT_RETURN_IF_ERROR(AddFace(video, frame, segment.FaceAt(frame.index)));
    }
    return absl::OkStatus();
  }

  void Finish(DecodedClip& clip) override {
    const auto frames = static_cast<int64_t>(frame_seconds_.size());
    const auto full_frames = static_cast<int64_t>(full_seconds_.size());
    clip.attributes["brightness"] = brightness_ / static_cast<double>(full_frames);
    clip.frame_seconds = std::move(frame_seconds_);
    clip.series["full_frame_seconds"] = std::move(full_seconds_);
    clip.series["picture_types"] = std::move(types_);
    const std::vector<int64_t> size = {pixels_ * 3 / 2, pixels_};
    clip.views.push_back({View::kFullFrame, {full_frames, size[0], size[1]}, std::move(full_)});
    if (!with_face_) return;
    clip.views.push_back({View::kFaceCrop, {frames, size[0], size[1]}, std::move(face_)});
    clip.series["face_boxes"] = std::move(boxes_);
  }

 private:
  absl::Status AddFull(VideoDecoder& video, const VideoFrame& frame) {
    const Placement placement = LetterboxPlacement(video.UprightSize(frame), pixels_);
    ICPT_ASSIGN_OR_RETURN(const YuvPicture view, CropFrame(video, frame, placement, pixels_));
    brightness_ += Brightness(view, placement.place);
    full_seconds_.push_back(frame.seconds);
    AppendPlanes(view, full_);
    return absl::OkStatus();
  }

  absl::Status AddFace(VideoDecoder& video, const VideoFrame& frame, const std::optional<FaceBox>& face) {
    const FaceBox shown = face.value_or(FaceBox{});
    boxes_.insert(boxes_.end(), {shown.x, shown.y, shown.side});
    const Placement placement = FacePlacement(video.UprightSize(frame), face, pixels_);
    ICPT_ASSIGN_OR_RETURN(const YuvPicture view, CropFrame(video, frame, placement, pixels_));
    AppendPlanes(view, face_);
    return absl::OkStatus();
  }

  const FrameSelection& selection_;
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

class MouthTrackBuilder final : public ViewBuilder {
 public:
  explicit MouthTrackBuilder(const FrameSelection& selection) : selection_(selection) {}

  absl::Status Add(VideoDecoder& video, const Segment& segment) override {
    while (window_ < selection_.mouth_windows.size()) {
      const std::vector<int64_t>& wanted = selection_.mouth_windows[window_].frames;
      if (wanted[next_] == kNoFrame) {
        AddNothing(1);
      } else {
        const VideoFrame* frame = segment.Find(wanted[next_]);
        if (frame == nullptr) return absl::OkStatus();
        ICPT_RETURN_IF_ERROR(AddFrame(video, *frame, segment.FaceAt(frame->index)));
      }
      if (++next_ < wanted.size()) continue;
      AddNothing(kMouthFrames - wanted.size());
      ++window_;
      next_ = 0;
    }
    return absl::OkStatus();
  }

  void Finish(DecodedClip& clip) override {
    const bool found = std::ranges::any_of(sides_, [](double side) { return side > 0; });
    if (!found) return;
    const auto windows = static_cast<int64_t>(selection_.mouth_windows.size());
    clip.views.push_back(
        {View::kMouthTrack, {windows, kMouthFrames, kMouthPixels, kMouthPixels}, std::move(mouths_)});
    clip.series["mouth_sides"] = std::move(sides_);
  }

 private:
  absl::Status AddFrame(VideoDecoder& video, const VideoFrame& frame, const std::optional<FaceBox>& face) {
    constexpr double kMouthShare = 0.45;
    Placement placement;
    double side = 0;
    if (face.has_value()) {
      side = kMouthShare * face->side;
      const FaceBox mouth{face->x, face->y + (face->side - side) / 2, side};
      placement = SquarePlacement(video.UprightSize(frame), mouth.Square(), kMouthPixels);
    }
    ICPT_ASSIGN_OR_RETURN(const YuvPicture view, CropFrame(video, frame, placement, kMouthPixels));
    AppendPlane(view.y, mouths_);
    sides_.push_back(side);
    return absl::OkStatus();
  }

  void AddNothing(size_t frames) {
    mouths_.append(frames * kMouthPixels * kMouthPixels, '\0');
    sides_.resize(sides_.size() + frames, 0.0);
  }

  const FrameSelection& selection_;
  size_t window_ = 0;  // next_ counts in its frames
  size_t next_ = 0;
  std::string mouths_;
  std::vector<double> sides_;
};

class BurstBuilder final : public ViewBuilder {
 public:
  explicit BurstBuilder(const FrameSelection& selection) : selection_(selection) {}

  absl::Status Add(VideoDecoder& video, const Segment& segment) override {
    for (const auto& burst : selection_.bursts) {
      const std::optional<FaceBox> face = segment.FaceAt(burst[kBurstFrames / 2]);
      const bool is_whole =
          std::ranges::all_of(burst, [&](int64_t index) { return segment.Find(index) != nullptr; });
      if (is_whole && face.has_value()) ICPT_RETURN_IF_ERROR(AddBurst(video, segment, burst, *face));
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
  absl::Status AddBurst(VideoDecoder& video, const Segment& segment,
                        const std::array<int64_t, kBurstFrames>& burst, const FaceBox& face) {
    for (const int64_t index : burst) {
      const VideoFrame& frame = *segment.Find(index);
      const Placement placement = FacePlacement(video.UprightSize(frame), face, kBurstPixels);
      ICPT_ASSIGN_OR_RETURN(const YuvPicture view, CropFrame(video, frame, placement, kBurstPixels));
      AppendPlanes(view, pictures_);
      seconds_.push_back(frame.seconds);
    }
    boxes_.insert(boxes_.end(), {face.x, face.y, face.side});
    ++count_;
    return absl::OkStatus();
  }

  const FrameSelection& selection_;
  int64_t count_ = 0;
  std::string pictures_;
  std::vector<double> seconds_;
  std::vector<double> boxes_;
};

// The patch whose middle is nearest to `middle`.
cv::Rect PatchAround(cv::Size picture, cv::Point2d middle) {
  const auto place = [](double at, int length) {
    const int blocks = (length - kPatchPixels) / kMacroblockPixels;
    const auto block = static_cast<int>(std::lround((at - kPatchPixels / 2.0) / kMacroblockPixels));
    return std::clamp(block, 0, blocks) * kMacroblockPixels;
  };
  return {place(middle.x, picture.width), place(middle.y, picture.height), kPatchPixels, kPatchPixels};
}

class PatchViewBuilder final : public ViewBuilder {
 public:
  explicit PatchViewBuilder(const FrameSelection& selection) : selection_(selection) {}

  absl::Status Add(VideoDecoder& video, const Segment& segment) override {
    for (const VideoFrame& frame : segment.frames) {
      if (!Contains(selection_.full_frames, frame.index)) continue;
      const cv::Size size = video.StoredSize(frame);
      if (std::min(size.width, size.height) < kPatchPixels) continue;
      AddFrame(video, frame, size, segment.FaceAt(frame.index));
    }
    return absl::OkStatus();
  }

  void Finish(DecodedClip& clip) override {
    // A clip has them for all frames of full_frame or for none.
    if (count_ == 0 || count_ != static_cast<int64_t>(selection_.full_frames.size())) return;
    clip.views.push_back(
        {View::kLumaPatches, {count_, kPatchPlaces, kPatchPixels, kPatchPixels}, std::move(patches_)});
    clip.views.push_back(
        {View::kCodecFacts, {count_, kPatchPlaces, kPatchBlocks, kPatchBlocks}, std::move(quantisers_)});
    clip.series["patch_places"] = std::move(places_);
  }

 private:
  void AddFrame(VideoDecoder& video, const VideoFrame& frame, cv::Size size,
                const std::optional<FaceBox>& face) {
    if (CodedLuma(*frame.picture, {0, 0, 1, 1}).empty()) return;
    ++count_;
    if (!face.has_value()) {
      AddNothing();
      AddNothing();
      AddPatch(*frame.picture, PatchAround(size, {0, 0}));
      return;
    }
    const PatchPlaces places = PlacePatches(size, video.StoredArea(frame, face->Square()));
    AddPatch(*frame.picture, places.inner);
    places.ring.has_value() ? AddPatch(*frame.picture, *places.ring) : AddNothing();
    AddPatch(*frame.picture, places.far);
  }

  void AddPatch(const AVFrame& picture, const cv::Rect& place) {
    AppendPlane(CodedLuma(picture, place), patches_);
    const std::vector<uint8_t> quantisers = Quantisers(picture, place);
    quantisers_.append(reinterpret_cast<const char*>(quantisers.data()), quantisers.size());
    places_.insert(places_.end(), {static_cast<double>(place.x), static_cast<double>(place.y)});
  }

  void AddNothing() {
    patches_.append(size_t{kPatchPixels} * kPatchPixels, '\0');
    quantisers_.append(size_t{kPatchBlocks} * kPatchBlocks, '\xff');
    places_.insert(places_.end(), {-1.0, -1.0});
  }

  const FrameSelection& selection_;
  int64_t count_ = 0;
  std::string patches_;
  std::string quantisers_;
  std::vector<double> places_;
};

}  // namespace

const VideoFrame* Segment::Find(int64_t index) const {
  const auto at = std::ranges::lower_bound(frames, index, {}, &VideoFrame::index);
  return at != frames.end() && at->index == index ? &*at : nullptr;
}

std::optional<FaceBox> Segment::FaceAt(int64_t index) const {
  const VideoFrame* frame = Find(index);
  return frame == nullptr || faces.empty() ? std::nullopt : faces[static_cast<size_t>(frame - frames.data())];
}

PatchPlaces PlacePatches(cv::Size picture, const cv::Rect& face) {
  const cv::Point2d middle(face.x + face.width / 2.0, face.y + face.height / 2.0);
  // A blended face reaches beyond the box that a detector draws.
  constexpr double kGap = 0.15;
  const double beside = (face.width * (1 + 2 * kGap) + kPatchPixels) / 2.0;
  const double below = (face.height * (1 + 2 * kGap) + kPatchPixels) / 2.0;
  const double sideways = middle.x > picture.width - middle.x ? -beside : beside;  // the side with more room
  std::optional<cv::Rect> ring;
  double covered = kRingFaceShareMax * kPatchPixels * kPatchPixels;
  for (const cv::Point2d offset : {cv::Point2d{sideways, 0}, {-sideways, 0}, {0, below}, {0, -below}}) {
    const cv::Rect place = PatchAround(picture, middle + offset);
    const double face_pixels = (place & face).area();
    if (face_pixels > covered || (ring.has_value() && face_pixels == covered)) continue;
    ring = place;
    covered = face_pixels;
  }
  const cv::Point2d corner(middle.x < picture.width / 2.0 ? picture.width : 0,
                           middle.y < picture.height / 2.0 ? picture.height : 0);
  return {PatchAround(picture, middle), ring, PatchAround(picture, corner)};
}

std::vector<std::unique_ptr<ViewBuilder>> MakeViewBuilders(const FrameSelection& selection,
                                                           const DecodeJob& job) {
  std::vector<std::unique_ptr<ViewBuilder>> builders;
  builders.push_back(
      std::make_unique<FrameViewBuilder>(selection, job.view_pixels, job.Wants(View::kFaceCrop)));
  if (job.Wants(View::kLumaPatches)) builders.push_back(std::make_unique<PatchViewBuilder>(selection));
  if (!selection.mouth_windows.empty()) builders.push_back(std::make_unique<MouthTrackBuilder>(selection));
  if (!selection.bursts.empty()) builders.push_back(std::make_unique<BurstBuilder>(selection));
  return builders;
}

}  // namespace interceptor::worker
