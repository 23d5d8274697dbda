// For .cc files that include models/torch.h.
#pragma once

#include <algorithm>

#include "worker/models/torch.h"

namespace interceptor::worker {

// Mean over `window` (odd) values about each one along `dimension`; at the ends, over those of them that exist.
inline at::Tensor RunningMean(const at::Tensor& values, int64_t window, int64_t dimension) {
  const int64_t length = values.size(dimension);
  const int64_t half = std::min(window / 2, length - 1);
  const at::Tensor sums = values.cumsum(dimension);
  std::vector<int64_t> shape = values.sizes().vec();
  shape[dimension] = half + 1;
  const at::Tensor padded =
      at::cat({at::zeros(shape, values.options()), sums,
               sums.narrow(dimension, length - 1, 1).expand(shape).narrow(dimension, 0, half)},
              dimension);
  const at::Tensor place = at::arange(length, values.options());
  const at::Tensor count =
      at::minimum(place, at::full_like(place, half))
          .add(at::minimum(place.neg().add(static_cast<double>(length - 1)), at::full_like(place, half)))
          .add(1);
  std::vector<int64_t> along(values.dim(), 1);
  along[dimension] = length;
  return padded.narrow(dimension, 2 * half + 1, length)
      .sub(padded.narrow(dimension, 0, length))
      .div_(count.view(along));
}

// Mean over a square of `window` (odd) pixels about each pixel of [samples, channels, height, width]; at the borders,
// over what of it lies inside.
inline at::Tensor BoxMean(const at::Tensor& pictures, int64_t window) {
  return RunningMean(RunningMean(pictures, window, 3), window, 2);
}

}  // namespace interceptor::worker
