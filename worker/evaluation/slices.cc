#include "worker/evaluation/slices.h"

#include <algorithm>
#include <cmath>

namespace interceptor::worker {

size_t SlicedAttribute::SliceOf(double value) const {
  return static_cast<size_t>(std::upper_bound(edges.begin(), edges.end(), value) - edges.begin());
}

std::span<const SlicedAttribute> SlicedAttributes() {
  static const auto& attributes = *new std::vector<SlicedAttribute>{
      {"brightness", {0.25, 0.5}, {"dark", "medium", "bright"}},
      {"bits_per_pixel", {0.05, 0.15}, {"under 0.05", "0.05 to 0.15", "0.15 and more"}},
      {"height", {480, 1080}, {"under 480", "480 to 1079", "1080 and more"}},
      {"face_pixels", {96, 200}, {"under 96", "96 to 199", "200 and more"}},
      {"has_sound", {0.5}, {"silent", "sound"}},
  };
  return attributes;
}

bool LiesIn(std::string_view attribute, std::string_view slice, double value) {
  const std::span<const SlicedAttribute> all = SlicedAttributes();
  const auto known = std::ranges::find(all, attribute, &SlicedAttribute::name);
  return known != all.end() && !std::isnan(value) && known->slices[known->SliceOf(value)] == slice;
}

}  // namespace interceptor::worker
