#pragma once

#include <cstdint>

namespace interceptor {

// Where in the data a model stands. `chunk` indexes the plan's order; `position` counts batches done in the
// epoch.
struct Cursor {
  int chunk = 0;
  int epoch = 0;
  int64_t position = 0;
  uint64_t seed = 0;

  friend bool operator==(const Cursor&, const Cursor&) = default;
};

}  // namespace interceptor
