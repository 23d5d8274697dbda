#include "common/base/random.h"

#include <array>
#include <cmath>
#include <numbers>
#include <numeric>

#include "common/base/check.h"

namespace interceptor {
namespace {

using Words = std::array<uint32_t, 4>;

Words Philox(Words counter, uint32_t key0, uint32_t key1) {
  for (int round = 0; round < 10; ++round) {
    const uint64_t product0 = uint64_t{0xD2511F53} * counter[0];
    const uint64_t product1 = uint64_t{0xCD9E8D57} * counter[2];
    counter = {static_cast<uint32_t>(product1 >> 32) ^ counter[1] ^ key0, static_cast<uint32_t>(product1),
               static_cast<uint32_t>(product0 >> 32) ^ counter[3] ^ key1, static_cast<uint32_t>(product0)};
    key0 += 0x9E3779B9;
    key1 += 0xBB67AE85;
  }
  return counter;
}

Words Draw(RandomKey key, uint64_t counter) {
  return Philox({static_cast<uint32_t>(counter), static_cast<uint32_t>(counter >> 32), 0, 0},
                static_cast<uint32_t>(key.value), static_cast<uint32_t>(key.value >> 32));
}

uint64_t Join(uint32_t low, uint32_t high) { return uint64_t{high} << 32 | low; }

uint64_t Mix(uint64_t state, uint64_t word) {
  const Words words = Draw(RandomKey{state}, word);
  return Join(words[0], words[1]) ^ Join(words[2], words[3]);
}

}  // namespace

RandomKey MakeRandomKey(uint64_t seed, std::string_view purpose, std::initializer_list<uint64_t> parts) {
  uint64_t state = Mix(0x696E746572636570, seed);
  state = Mix(state, purpose.size());
  for (char c : purpose) state = Mix(state, static_cast<unsigned char>(c));
  state = Mix(state, parts.size());
  for (uint64_t part : parts) state = Mix(state, part);
  return RandomKey{state};
}

uint64_t RandomBits(RandomKey key, uint64_t counter) {
  const Words words = Draw(key, counter);
  return Join(words[0], words[1]);
}

double RandomUniform(RandomKey key, uint64_t counter) {
  return static_cast<double>(RandomBits(key, counter) >> 11) * 0x1.0p-53;
}

uint64_t RandomIndex(RandomKey key, uint64_t counter, uint64_t count) {
  ICPT_CHECK(count > 0) << "an index is drawn from nothing";
  const auto wide = static_cast<unsigned __int128>(RandomBits(key, counter)) * count;
  return static_cast<uint64_t>(wide >> 64);
}

double RandomNormal(RandomKey key, uint64_t counter) {
  const Words words = Draw(key, counter);
  const double u = (static_cast<double>(Join(words[0], words[1]) >> 11) + 1.0) * 0x1.0p-53;
  const double v = static_cast<double>(Join(words[2], words[3]) >> 11) * 0x1.0p-53;
  return std::sqrt(-2.0 * std::log(u)) * std::cos(2.0 * std::numbers::pi * v);
}

std::vector<uint32_t> RandomPermutation(RandomKey key, uint32_t count) {
  std::vector<uint32_t> order(count);
  std::iota(order.begin(), order.end(), 0U);
  for (uint32_t i = count; i > 1; --i) std::swap(order[i - 1], order[RandomIndex(key, i, i)]);
  return order;
}

}  // namespace interceptor
