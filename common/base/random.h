// Counter-based random numbers: a draw is a pure function of (key, counter), so what is drawn never depends
// on threads, restarts or the order of other draws. Philox4x32-10 (Salmon, Moraes, Dror, Shaw: "Parallel
// random numbers: as easy as 1, 2, 3", SC 2011).
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string_view>
#include <vector>

namespace interceptor {

// Names one stream of draws. Make it once per purpose, from everything that the draws may depend on.
struct RandomKey {
  uint64_t value = 0;
};

// Keys that differ in the seed, in any part or in the order of parts are unrelated.
RandomKey MakeRandomKey(uint64_t seed, std::string_view purpose, std::initializer_list<uint64_t> parts = {});

// 64 uniform bits.
uint64_t RandomBits(RandomKey key, uint64_t counter);

// Uniform in [0, 1), 53 bits.
double RandomUniform(RandomKey key, uint64_t counter);

// Uniform in [0, count); count > 0.
uint64_t RandomIndex(RandomKey key, uint64_t counter, uint64_t count);

// Normal with mean 0 and deviation 1 (Box-Muller on two words of one draw).
double RandomNormal(RandomKey key, uint64_t counter);

// A uniformly drawn order of 0 .. count-1 (Fisher-Yates).
std::vector<uint32_t> RandomPermutation(RandomKey key, uint32_t count);

}  // namespace interceptor
