// What scorer and learner share of LibTorch: the wall that exceptions stop at, and the scoring pass. For .cc
// files that include models/torch.h.
#pragma once

#include <exception>
#include <string>
#include <vector>

#include "common/base/status.h"
#include "worker/models/efficientnet.h"
#include "worker/models/preprocess.h"
#include "worker/models/torch.h"

namespace interceptor::worker {

// Runs `function`, which returns a Status or StatusOr; what it throws becomes one. UNAVAILABLE when the
// device's memory is exhausted, else INTERNAL.
template <typename Function>
auto Guarded(const char* what, Function function) -> decltype(function()) {
  try {
    return function();
  } catch (const c10::Error& error) {
    const std::string text = error.what_without_backtrace();
    if (text.find("out of memory") != std::string::npos) {
      return Unavailable(what, ": ", text, "; another program may hold the device's memory");
    }
    return Internal(what, ": ", text);
  } catch (const std::exception& error) {
    return Internal(what, ": ", error.what());
  }
}

// On the CPU. A const vector's is for reading alone, and none outlives its vector.
template <typename T>
at::Tensor Borrow(const std::vector<T>& values, at::ScalarType type) {
  return at::from_blob(const_cast<T*>(values.data()), {static_cast<int64_t>(values.size())}, type);
}

// Scorer::Score; throws.
std::vector<float> ScoreSamples(EfficientNet& net, const Preprocessor& preprocessor,
                                const SpecialistInput& input, int input_side, bool bf16);

}  // namespace interceptor::worker
