// The rules that the numbers of a plan obey, by the path of the field, and a collector of what breaks them. The
// plan file and the settings that a trainer gets of it hold the same fields. Pure.
#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "common/base/status.h"

namespace interceptor {

// low <= value <= high; with `above`, low < value.
struct FieldRange {
  std::string_view path;  // stages without their index: "recipe.stages.pace"
  double low = 0;
  double high = 0;
  bool above = false;
};

// REQUIRES: `path` is a field with a range.
const FieldRange& RangeOf(std::string_view path);

class FieldFaults;

// Weights to start from are those of EfficientNet-B4 itself: a network of another width or depth has no use
// for them.
void RequireUnscaledForGivenWeights(double width_scale, double depth_scale, FieldFaults& faults);

// Front ends lay patches side by side on the codec's grid of 16 pixels, two to a row.
void RequireFrontEndForSelfMade(std::string_view front_end, double self_made_share, FieldFaults& faults);
void RequireGridForFrontEnd(std::string_view front_end, int64_t input_pixels, FieldFaults& faults);

// Collects every fault; the first twelve are shown.
class FieldFaults {
 public:
  void Add(std::string fault);
  void Keep(const absl::Status& status, std::string_view path);
  template <typename T>
  void Require(bool holds, std::string_view path, const T& value, std::string_view allowed) {
    if (!holds) Add(Cat(path, " is ", value, ", allowed: ", allowed));
  }
  // `value` must lie in [low, high]; not-a-number never does.
  template <typename T>
  void Within(std::string_view path, T value, T low, T high) {
    Require(value >= low && value <= high, path, value, Cat(low, " to ", high));
  }
  // `value` must lie in RangeOf(`path`).
  template <typename T>
  void InRange(std::string_view path, T value) {
    InRange(path, RangeOf(path), value);
  }
  // The same for one of several stages: `shown` is the path with its index.
  template <typename T>
  void InRange(std::string_view shown, const FieldRange& range, T value) {
    const double number = static_cast<double>(value);
    const auto low = static_cast<T>(range.low);
    const auto high = static_cast<T>(range.high);
    const bool above_low = range.above ? number > range.low : number >= range.low;
    Require(above_low && number <= range.high, shown, value,
            range.above ? Cat("more than ", low, ", at most ", high) : Cat(low, " to ", high));
  }
  // INVALID_ARGUMENT with the faults, or OK.
  absl::Status ToStatus() const;

 private:
  int count_ = 0;
  std::string text_;
};

}  // namespace interceptor
