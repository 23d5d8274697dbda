// A run of named random draws: the i-th draw of a stream is a pure function of the stream's key and i. One
// thread per object; streams of different names never disturb each other.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>

#include "common/base/random.h"

namespace interceptor::synth {

class Draws {
 public:
  explicit Draws(RandomKey key) : key_(key) {}
  Draws(uint64_t seed, std::string_view purpose, std::initializer_list<uint64_t> parts = {})
      : key_(MakeRandomKey(seed, purpose, parts)) {}

  // Uniform in [low, high).
  double Uniform(double low, double high) { return low + (high - low) * RandomUniform(key_, next_++); }
  // Uniform among low .. high, both included.
  int Integer(int low, int high) {
    return low + static_cast<int>(RandomIndex(key_, next_++, static_cast<uint64_t>(high - low + 1)));
  }
  bool Chance(double probability) { return RandomUniform(key_, next_++) < probability; }
  double Sign() { return Chance(0.5) ? 1.0 : -1.0; }
  double Normal() { return RandomNormal(key_, next_++); }
  uint64_t Bits() { return RandomBits(key_, next_++); }
  // `length` lower-case letters.
  std::string Letters(int length) {
    std::string letters;
    for (int i = 0; i < length; ++i) letters.push_back(static_cast<char>('a' + Integer(0, 25)));
    return letters;
  }

 private:
  RandomKey key_;
  uint64_t next_ = 0;
};

}  // namespace interceptor::synth
