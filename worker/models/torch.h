// The one door to LibTorch, for .cc files of this room alone. Tensors and autograd come from ATen, which
// costs a third of torch/torch.h to compile; the rest is what differs between versions 1.13 and 2.x, the wall
// that LibTorch's exceptions stop at, and its view of our vectors.
#pragma once

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <ATen/Version.h>
#include <ATen/autocast_mode.h>
#include <c10/core/impl/DeviceGuardImplInterface.h>
#ifdef ICPT_TORCH_ARCHIVE  // defined by the bench, which measures LibTorch's own archive beside our file
#include <torch/serialize/archive.h>
#endif
#include <torch/version.h>

#include <exception>
#include <string>
#include <vector>

#include "common/base/status.h"

#if TORCH_VERSION_MAJOR > 2 || (TORCH_VERSION_MAJOR == 2 && TORCH_VERSION_MINOR >= 4)
#define ICPT_AUTOCAST_BY_DEVICE 1
#else
#define ICPT_AUTOCAST_BY_DEVICE 0
#endif

namespace interceptor::worker {

// bf16 arithmetic for what profits from it, on CUDA alone, while this object lives; otherwise it does
// nothing.
class AutocastGuard {
 public:
  explicit AutocastGuard(bool enabled) : enabled_(enabled) {
    if (!enabled_) return;
    at::autocast::increment_nesting();
    Set(true);
  }
  ~AutocastGuard() {
    if (!enabled_) return;
    Set(false);
    if (at::autocast::decrement_nesting() == 0) at::autocast::clear_cache();
  }
  AutocastGuard(const AutocastGuard&) = delete;
  AutocastGuard& operator=(const AutocastGuard&) = delete;

 private:
  static void Set(bool on) {
#if ICPT_AUTOCAST_BY_DEVICE
    at::autocast::set_autocast_dtype(at::kCUDA, at::kBFloat16);
    at::autocast::set_autocast_enabled(at::kCUDA, on);
#else
    at::autocast::set_autocast_gpu_dtype(at::kBFloat16);
    at::autocast::set_enabled(on);
#endif
  }

  const bool enabled_;
};

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

}  // namespace interceptor::worker
