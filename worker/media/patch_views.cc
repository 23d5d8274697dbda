#include "worker/media/patch_views.h"

#include <algorithm>
#include <cmath>

#include "common/base/status.h"
#include "worker/media/coded_picture.h"
#include "worker/media/cut_picture.h"

namespace interceptor::worker {
namespace {

// The patch whose middle is nearest to `middle`.
cv::Rect PatchAround(cv::Size picture, cv::Point2d middle) {
  const auto place = [](double at, int length) {
    const int blocks = (length - kPatchPixels) / kMacroblockPixels;
    const auto block = static_cast<int>(std::lround((at - kPatchPixels / 2.0) / kMacroblockPixels));
    return std::clamp(block, 0, blocks) * kMacroblockPixels;
  };
  return {place(middle.x, picture.width), place(middle.y, picture.height), kPatchPixels, kPatchPixels};
}

class PatchViews final : public ClipView {
 public:
  explicit PatchViews(const Schedule& schedule) : schedule_(schedule) {}

  absl::Status Add(Video& video, const Part& part) override {
    for (const VideoFrame& frame : part.frames) {
      if (!std::binary_search(schedule_.wide.begin(), schedule_.wide.end(), frame.index)) continue;
      const cv::Size size = video.StoredSize(frame);
      if (std::min(size.width, size.height) < kPatchPixels) continue;
      AddFrame(video, frame, size, part.FaceAt(frame.index));
    }
    return absl::OkStatus();
  }

  void Finish(DecodedClip& clip) override {
    // A clip has them of all its wide frames or of none.
    if (count_ == 0 || count_ != static_cast<int64_t>(schedule_.wide.size())) return;
    clip.views.push_back(
        {View::kLumaPatches, {count_, kPatchPlaces, kPatchPixels, kPatchPixels}, std::move(patches_)});
    clip.views.push_back(
        {View::kCodecFacts, {count_, kPatchPlaces, kPatchBlocks, kPatchBlocks}, std::move(quantisers_)});
    clip.series["patch_places"] = std::move(places_);
  }

 private:
  void AddFrame(Video& video, const VideoFrame& frame, cv::Size size, const std::optional<FaceBox>& face) {
    if (CodedLuma(*frame.picture, {0, 0, 1, 1}).empty()) return;
    ++count_;
    if (!face.has_value()) {
      AddNothing();
      AddNothing();
      AddPatch(*frame.picture, PatchAround(size, {0, 0}));
      return;
    }
    const PatchPlaces places = PlacePatches(size, video.StoredArea(frame, face->Square()));
    for (const cv::Rect& place : {places.inner, places.ring, places.far}) AddPatch(*frame.picture, place);
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

  const Schedule& schedule_;
  int64_t count_ = 0;
  std::string patches_;
  std::string quantisers_;
  std::vector<double> places_;
};

}  // namespace

PatchPlaces PlacePatches(cv::Size picture, const cv::Rect& face) {
  const cv::Point2d middle(face.x + face.width / 2.0, face.y + face.height / 2.0);
  constexpr double kRing = 1.3;
  const double beside = kRing * face.width / 2.0;
  const bool left = middle.x > picture.width - middle.x;
  const cv::Point2d corner(middle.x < picture.width / 2.0 ? picture.width : 0,
                           middle.y < picture.height / 2.0 ? picture.height : 0);
  return {PatchAround(picture, middle),
          PatchAround(picture, {middle.x + (left ? -beside : beside), middle.y}),
          PatchAround(picture, corner)};
}

std::unique_ptr<ClipView> MakePatchViews(const Schedule& schedule) {
  return std::make_unique<PatchViews>(schedule);
}

}  // namespace interceptor::worker
