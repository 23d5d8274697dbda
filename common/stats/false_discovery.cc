#include "common/stats/false_discovery.h"

#include <algorithm>
#include <numeric>

#include "common/base/status.h"

namespace interceptor {

absl::StatusOr<std::vector<double>> AdjustByFalseDiscoveryRate(const std::vector<double>& p_values) {
  for (const double p : p_values) {
    if (!(p >= 0 && p <= 1)) return InvalidArgument("a p-value is ", p, "; it lies between 0 and 1");
  }
  std::vector<size_t> descending(p_values.size());
  std::iota(descending.begin(), descending.end(), 0);
  std::sort(descending.begin(), descending.end(),
            [&](size_t a, size_t b) { return p_values[a] > p_values[b]; });
  std::vector<double> adjusted(p_values.size());
  double least = 1;
  size_t rank = p_values.size();
  for (const size_t index : descending) {
    least =
        std::min(least, p_values[index] * static_cast<double>(p_values.size()) / static_cast<double>(rank));
    adjusted[index] = least;
    --rank;
  }
  return adjusted;
}

}  // namespace interceptor
