// The one door to Catch2. All macros carry the CATCH_ prefix, because LibTorch's headers redefine bare
// CHECK silently and turn a failing expectation into an abort.
#pragma once

#define CATCH_CONFIG_PREFIX_ALL
#if __has_include(<catch2/catch_all.hpp>)
#include <catch2/catch_all.hpp>
using Catch::Approx;
#else
#include <catch2/catch.hpp>
// Version 3's name: there Contains looks for an element.
namespace Catch::Matchers {
inline auto ContainsSubstring(const std::string& part) { return Contains(part); }
}  // namespace Catch::Matchers
#endif
