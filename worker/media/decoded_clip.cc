#include "worker/media/decoded_clip.h"

#include <algorithm>
#include <iterator>
#include <optional>

#include "worker/media/view_shapes.h"

namespace interceptor::worker {

std::vector<View> CutViews() {
  std::vector<View> views(std::begin(kAllViews), std::end(kAllViews));
  std::erase(views, View::kBlockMask);
  return views;
}

bool DecodeJob::Wants(View view) const { return std::find(views.begin(), views.end(), view) != views.end(); }

std::vector<ViewTensor> StoredViews(const DecodedClip& clip) {
  std::vector<ViewTensor> stored;
  for (const DecodedView& view : clip.views) {
    const ViewFormat format = FormatOf(view.view, 1, 1);
    const auto colours = format.is_planar ? std::optional(clip.colours) : std::nullopt;
    stored.push_back({view.view, format.type, view.shape, view.bytes, colours});
  }
  return stored;
}

}  // namespace interceptor::worker
