// Speech-like sound whose loudness envelope (2-6 syllables a second, with pauses) also drives the drawn mouth.
#pragma once

#include <vector>

#include "tests/synth/draws.h"

namespace interceptor::synth {

// One raised-cosine syllable.
struct Syllable {
  double begin_s = 0;
  double length_s = 0;
  double loudness = 0;  // 0 to 1
};

class Speech {
 public:
  // A take of `length_s` seconds.
  Speech(Draws draws, double length_s);

  double length_s() const { return length_s_; }
  // Loudness envelope at a time of the take, 0 to 1.
  double Envelope(double time_s) const;
  // Mono samples of [begin_s, begin_s + count / rate), root mean square `level` (full scale is 1). Times
  // outside the take are silent.
  std::vector<float> Samples(double begin_s, int count, int rate, double level) const;

 private:
  double length_s_;
  double pitch_hz_;
  double formant_hz_[2];
  std::vector<Syllable> syllables_;
  uint64_t breath_seed_;
};

}  // namespace interceptor::synth
