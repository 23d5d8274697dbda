#include "worker/media/view_shapes.h"

#include <algorithm>

namespace interceptor::worker {

ViewFormat FormatOf(View view, int64_t frames, int64_t pixels) {
  const int64_t wide = std::min<int64_t>(frames, kWideFrames);
  switch (view) {
    case View::kFullFrame:
      return {ElementType::kU8, true, wide, {pixels * 3 / 2, pixels}};
    case View::kFaceCrop:
      return {ElementType::kU8, true, frames, {pixels * 3 / 2, pixels}};
    case View::kLumaPatches:
      return {ElementType::kU8, false, wide, {kPatchPlaces, kPatchPixels, kPatchPixels}};
    case View::kCodecFacts:
      return {ElementType::kU8, false, wide, {kPatchPlaces, kPatchBlocks, kPatchBlocks}};
    case View::kMouthTrack:
      return {ElementType::kU8, false, kMouthWindows, {kMouthFrames, kMouthPixels, kMouthPixels}};
    case View::kLogMel:
      return {ElementType::kF32, false, kMouthWindows, {kMelColumns, kMelBands}};
    case View::kBurst:
      return {ElementType::kU8, true, kBursts, {kBurstFrames, kBurstPixels * 3 / 2, kBurstPixels}};
    case View::kBlockMask:
      return {ElementType::kU8, false, wide, {kMaskPlaces, kMaskCells, kMaskCells}};
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

}  // namespace interceptor::worker
