#include "worker/media/block_mask.h"

#include <algorithm>
#include <cmath>
#include <opencv2/imgproc.hpp>
#include <optional>

#include "worker/media/crop.h"
#include "worker/media/frame_selection.h"
#include "worker/store/sample_views.h"

namespace interceptor::worker {
namespace {

// Eight pixels a cell: places in such a view are even, so cells are whole.
constexpr int kCanvasPixels = 8 * kMaskCells;
// A decoder is not trusted: no face is farther away than this.
constexpr double kFarthest = 1 << 16;

cv::Mat ThumbnailAt(const LumaThumbnails& thumbnails, size_t index) {
  const size_t bytes = static_cast<size_t>(thumbnails.width) * thumbnails.height;
  return {thumbnails.height, thumbnails.width, CV_8UC1,
          const_cast<char*>(thumbnails.bytes.data() + index * bytes)};
}

double AttributeOf(const DecodedClip& clip, const char* name) {
  const auto found = clip.attributes.find(name);
  return found == clip.attributes.end() ? 0 : found->second;
}

bool AreComparable(const DecodedClip& original, const DecodedClip& fake) {
  const auto agree = [&](const char* name) { return AttributeOf(original, name) == AttributeOf(fake, name); };
  // Frames are compared by index, so they must follow each other at the same rate.
  constexpr double kRateTolerance = 0.01;
  const double rate = AttributeOf(fake, "frame_rate");
  const bool same_rate = std::abs(AttributeOf(original, "frame_rate") - rate) <= kRateTolerance * rate;
  const LumaThumbnails& a = original.thumbnails;
  const LumaThumbnails& b = fake.thumbnails;
  return agree("width") && agree("height") && same_rate && a.width == b.width && a.height == b.height &&
         a.scale_x == b.scale_x && a.scale_y == b.scale_y &&
         original.colours.full_range == fake.colours.full_range;
}

// The mean of `difference` over each cell of a view that shows the picture by `placement`.
void AppendCells(const cv::Mat& difference, const LumaThumbnails& scale, const Placement& placement,
                 std::string& cells) {
  cv::Mat canvas = cv::Mat::zeros(kCanvasPixels, kCanvasPixels, CV_8UC1);
  const cv::Rect& area = placement.area;
  const cv::Rect& place = placement.place;
  if (!place.empty() && (place & cv::Rect(0, 0, kCanvasPixels, kCanvasPixels)) == place) {
    // From a pixel of the place to one of the thumbnail; pixels have their middle at halves.
    const double step_x = static_cast<double>(area.width) / place.width * scale.scale_x;
    const double step_y = static_cast<double>(area.height) / place.height * scale.scale_y;
    const cv::Matx23d from_place(step_x, 0, area.x * scale.scale_x + step_x / 2 - 0.5,  //
                                 0, step_y, area.y * scale.scale_y + step_y / 2 - 0.5);
    cv::Mat shown;
    cv::warpAffine(difference, shown, from_place, place.size(), cv::INTER_LINEAR | cv::WARP_INVERSE_MAP,
                   cv::BORDER_REPLICATE);
    shown.copyTo(canvas(place));
  }
  cv::Mat mask;
  cv::resize(canvas, mask, {kMaskCells, kMaskCells}, 0, 0, cv::INTER_AREA);
  cells.append(reinterpret_cast<const char*>(mask.data), mask.total());
}

std::optional<FaceBox> FaceAt(const DecodedClip& clip, int64_t sample) {
  const auto found = clip.series.find("face_boxes");
  const auto at = static_cast<size_t>(3 * sample);
  if (found == clip.series.end() || found->second.size() < at + 3) return std::nullopt;
  const FaceBox box{found->second[at], found->second[at + 1], found->second[at + 2]};
  const bool is_face = box.side >= 1 && std::max({std::abs(box.x), std::abs(box.y), box.side}) <= kFarthest;
  return is_face ? std::optional(box) : std::nullopt;
}

}  // namespace

void AddBlockMask(const DecodedClip& original, DecodedClip& fake) {
  const LumaThumbnails& thumbnails = fake.thumbnails;
  const std::vector<int64_t> samples =
      EvenlySpaced(static_cast<int64_t>(fake.frame_seconds.size()), kFullFramesMax);
  if (thumbnails.frames.size() != samples.size() || !AreComparable(original, fake)) return;
  const cv::Size picture(static_cast<int>(AttributeOf(fake, "width")),
                         static_cast<int>(AttributeOf(fake, "height")));
  const std::vector<int64_t>& known_frames = original.thumbnails.frames;
  std::vector<double> known;
  std::string cells;
  for (size_t i = 0; i < samples.size(); ++i) {
    const auto at = std::ranges::lower_bound(known_frames, thumbnails.frames[i]);
    known.push_back(at != known_frames.end() && *at == thumbnails.frames[i] ? 1 : 0);
    if (known.back() == 0) {
      cells.append(static_cast<size_t>(kMaskPlaces * kMaskCells * kMaskCells), '\0');
      continue;
    }
    cv::Mat difference;
    cv::absdiff(ThumbnailAt(thumbnails, i),
                ThumbnailAt(original.thumbnails, static_cast<size_t>(at - known_frames.begin())), difference);
    AppendCells(difference, thumbnails, LetterboxPlacement(picture, kCanvasPixels), cells);
    AppendCells(difference, thumbnails, FacePlacement(picture, FaceAt(fake, samples[i]), kCanvasPixels),
                cells);
  }
  if (std::ranges::count(known, 1.0) == 0) return;
  fake.series["mask_known"] = std::move(known);
  fake.views.push_back({View::kBlockMask,
                        {static_cast<int64_t>(samples.size()), kMaskPlaces, kMaskCells, kMaskCells},
                        std::move(cells)});
}

}  // namespace interceptor::worker
