// The one door to Catch2. All macros carry the CATCH_ prefix, because LibTorch's headers redefine bare
// CHECK silently and turn a failing expectation into an abort.
#pragma once

#define CATCH_CONFIG_PREFIX_ALL
#if __has_include(<catch2/catch_all.hpp>)
#include <catch2/catch_all.hpp>
#else
#include <catch2/catch.hpp>
#endif
