// Objects of C libraries, given back by the library's own function.
#pragma once

#include <memory>
#include <type_traits>

namespace interceptor {

// Calls `kFree` with the object, or with the address of a pointer to it where the function clears that.
template <auto kFree>
struct FreeBy {
  template <typename T>
  void operator()(T* object) const {
    if constexpr (std::is_invocable_v<decltype(kFree), T*>) {
      kFree(object);
    } else {
      kFree(&object);
    }
  }
};

template <typename T, auto kFree>
using CPtr = std::unique_ptr<T, FreeBy<kFree>>;

}  // namespace interceptor
