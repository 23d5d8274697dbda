// Ranges of a clip's measured attributes, over which results are compared. Their edges are fixed, so that a slice means
// the same in every round. Pure. docs/evaluation.md, "Bias".
#pragma once

#include <cstddef>
#include <span>
#include <string_view>
#include <vector>

namespace interceptor::worker {

struct SlicedAttribute {
  std::string_view name;
  std::vector<double> edges;             // a range begins at its edge
  std::vector<std::string_view> slices;  // one more than edges

  // Of a value that is not NaN: an index into `slices`.
  size_t SliceOf(double value) const;
};

std::span<const SlicedAttribute> SlicedAttributes();

// Whether `value` lies in the slice: false for NaN and for an attribute or slice that is none of ours.
bool LiesIn(std::string_view attribute, std::string_view slice, double value);

}  // namespace interceptor::worker
