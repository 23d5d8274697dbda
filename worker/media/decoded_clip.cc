#include "worker/media/decoded_clip.h"

#include <algorithm>
#include <iterator>
#include <optional>

#include "common/base/enum_names.h"

namespace interceptor::worker {
namespace {

constexpr std::pair<ThumbnailMode, std::string_view> kModes[] = {
    {ThumbnailMode::kNone, "none"},
    {ThumbnailMode::kFullFrames, "full_frames"},
    {ThumbnailMode::kNearFullFrames, "near_full_frames"}};

}  // namespace

std::string_view ToString(ThumbnailMode mode) { return NameOf(kModes, mode); }
std::optional<ThumbnailMode> ParseThumbnailMode(std::string_view text) { return ValueNamed(kModes, text); }

ViewFormat FormatOf(View view, int64_t frames, int64_t pixels) {
  const int64_t full_frames = std::min<int64_t>(frames, kFullFramesMax);
  switch (view) {
    case View::kFullFrame:
      return {ElementType::kU8, true, full_frames, {pixels * 3 / 2, pixels}};
    case View::kFaceCrop:
      return {ElementType::kU8, true, frames, {pixels * 3 / 2, pixels}};
    case View::kLumaPatches:
      return {ElementType::kU8, false, full_frames, {kPatchPlaces, kPatchPixels, kPatchPixels}};
    case View::kCodecFacts:
      return {ElementType::kU8, false, full_frames, {kPatchPlaces, kPatchBlocks, kPatchBlocks}};
    case View::kMouthTrack:
      return {ElementType::kU8, false, kMouthWindows, {kMouthFrames, kMouthPixels, kMouthPixels}};
    case View::kLogMel:
      return {ElementType::kF32, false, kMouthWindows, {kMelColumns, kMelBands}};
    case View::kBurst:
      return {ElementType::kU8, true, kBursts, {kBurstFrames, kBurstPixels * 3 / 2, kBurstPixels}};
    case View::kBlockMask:
      return {ElementType::kU8, false, full_frames, {kMaskPlaces, kMaskCells, kMaskCells}};
  }
  return {};
}

int64_t ItemBytes(const ViewFormat& format) {
  int64_t bytes = ElementBytes(format.type);
  for (const int64_t dimension : format.dimensions) bytes *= dimension;
  return bytes;
}

int64_t ClipBytesMax(int64_t frames, int64_t pixels) {
  int64_t bytes = 0;
  for (const View view : kAllViews) {
    const ViewFormat format = FormatOf(view, frames, pixels);
    bytes += format.count_max * ItemBytes(format);
  }
  return bytes;
}

std::vector<View> SingleClipViews() {
  std::vector<View> views(std::begin(kAllViews), std::end(kAllViews));
  std::erase(views, View::kBlockMask);
  return views;
}

bool DecodeJob::Wants(View view) const { return std::ranges::find(views, view) != views.end(); }

std::vector<ViewTensor> StoredViews(const DecodedClip& clip) {
  std::vector<ViewTensor> stored;
  for (const DecodedView& view : clip.views) {
    const ViewFormat format = FormatOf(view.view, 1, 1);
    const auto colours = format.is_planar ? std::optional(clip.colours) : std::nullopt;
    stored.push_back({view.view, format.type, view.shape, view.bytes, colours});
  }
  return stored;
}

StoredClip StoredClipOf(const DecodedClip& clip) {
  StoredClip stored;
  stored.attributes = clip.attributes;
  stored.frame_seconds = clip.frame_seconds;
  stored.series = clip.series;
  stored.views = StoredViews(clip);
  return stored;
}

}  // namespace interceptor::worker
