#include "worker/media/log_mel.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "tests/support/catch.h"
#include "worker/media/audio_decoder.h"
#include "worker/media/decoded_clip.h"

namespace interceptor::worker {
namespace {

std::vector<float> Tone(double hertz, double seconds) {
  std::vector<float> sound(static_cast<size_t>(seconds * kAudioRate));
  for (size_t i = 0; i < sound.size(); ++i) {
    sound[i] = static_cast<float>(
        0.5 * std::sin(2 * std::numbers::pi * hertz * static_cast<double>(i) / kAudioRate));
  }
  return sound;
}

int LoudestBand(const std::vector<float>& log_mel, int64_t column) {
  const auto begin = log_mel.begin() + column * kMelBands;
  return static_cast<int>(std::max_element(begin, begin + kMelBands) - begin);
}

CATCH_TEST_CASE("a tone is loudest in the band around it") {
  // Band b has its middle at mel(8000) (b + 1) / 81.
  const auto band_of = [](double hertz) {
    const auto mel = [](double f) { return 2595 * std::log10(1 + f / 700); };
    return static_cast<int>(std::lround(mel(hertz) / mel(8000) * 81 - 1));
  };
  for (const double hertz : {300.0, 1000.0, 3000.0, 6000.0}) {
    const std::vector<float> log_mel = LogMel(Tone(hertz, 0.5), 50);
    CATCH_REQUIRE(log_mel.size() == size_t{50} * kMelBands);
    CATCH_CHECK(std::abs(LoudestBand(log_mel, 25) - band_of(hertz)) <= 1);
  }
}

CATCH_TEST_CASE("a click stands in the columns whose window holds it and is loudest in the nearest") {
  std::vector<float> sound(kAudioRate, 0.0f);
  sound[8000] = 1.0f;
  const std::vector<float> log_mel = LogMel(sound, 100);
  const auto level = [&](int64_t column) { return log_mel[static_cast<size_t>(column * kMelBands + 40)]; };
  for (int64_t column = 0; column < 100; ++column) {
    CATCH_CHECK((level(column) > std::log(1e-9)) == (std::abs(column - 50) <= 1));
  }
  CATCH_CHECK(level(50) > level(49));
  CATCH_CHECK(level(50) > level(51));
}

CATCH_TEST_CASE("beyond the sound there is silence") {
  const std::vector<float> log_mel = LogMel(Tone(700, 1), 120);
  CATCH_REQUIRE(log_mel.size() == size_t{120} * kMelBands);
  CATCH_CHECK(log_mel.back() == static_cast<float>(std::log(1e-10)));
}

CATCH_TEST_CASE("the level of speech is above that of a hum and of a hiss") {
  const auto level = [](double hertz) { return SpeechLevel(LogMel(Tone(hertz, 0.2), 20))[10]; };
  CATCH_CHECK(level(1000) > level(60));
  CATCH_CHECK(level(1000) > level(7000));
}

}  // namespace
}  // namespace interceptor::worker
