// One stream of random draws for one purpose. A draw depends on the seed, the purpose and how many draws of
// that purpose came before it, and on nothing else, so a change in one part of the simulation leaves the
// draws of the others as they were.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/time/time.h"
#include "common/base/random.h"

namespace interceptor::simulation {

class Draws {
 public:
  Draws(uint64_t seed, std::string_view purpose, uint64_t part = 0)
      : key_(MakeRandomKey(seed, purpose, {part})) {}

  // Uniform in [0, count); count > 0.
  uint64_t Below(uint64_t count) { return RandomIndex(key_, counter_++, count); }
  // Uniform in [low, high].
  int64_t Between(int64_t low, int64_t high) {
    return low + static_cast<int64_t>(Below(static_cast<uint64_t>(high - low + 1)));
  }
  absl::Duration Between(absl::Duration low, absl::Duration high) {
    return absl::Microseconds(Between(absl::ToInt64Microseconds(low), absl::ToInt64Microseconds(high)));
  }
  bool Chance(double probability) { return RandomUniform(key_, counter_++) < probability; }
  double Uniform() { return RandomUniform(key_, counter_++); }
  template <typename T>
  const T& Pick(const std::vector<T>& from) {
    return from[Below(from.size())];
  }
  // 32 hexadecimal digits, as request ids and box ids are.
  std::string Id() {
    std::string id;
    for (int word = 0; word < 2; ++word) {
      const uint64_t bits = RandomBits(key_, counter_++);
      for (int shift = 60; shift >= 0; shift -= 4) id += "0123456789abcdef"[bits >> shift & 15];
    }
    return id;
  }

 private:
  RandomKey key_;
  uint64_t counter_ = 0;
};

}  // namespace interceptor::simulation
