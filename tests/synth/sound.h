// The sound of a take: drawn speech, whose loudness envelope (2-6 syllables a second, with pauses) also
// drives the drawn mouth, or what was recorded with a given clip.
#pragma once

#include <utility>
#include <vector>

#include "tests/synth/draws.h"

namespace interceptor::synth {

// One raised-cosine syllable.
struct Syllable {
  double begin_s = 0;
  double length_s = 0;
  double loudness = 0;  // 0 to 1
};

class TakeSound {
 public:
  virtual ~TakeSound() = default;
  // Mono samples of [begin_s, begin_s + count / rate) of the take, root mean square `level` (full scale is
  // 1).
  virtual std::vector<float> Samples(double begin_s, int count, int rate, double level) const = 0;
};

class Speech : public TakeSound {
 public:
  // A take of `length_s` seconds.
  Speech(Draws draws, double length_s);

  // Loudness envelope at a time of the take, 0 to 1.
  double Envelope(double time_s) const;
  // Times outside the take are silent.
  std::vector<float> Samples(double begin_s, int count, int rate, double level) const override;

 private:
  double pitch_hz_;
  double formant_hz_[2];
  std::vector<Syllable> syllables_;
  uint64_t breath_seed_;
};

// A given clip's own sound, played in a circle: asked for another time it goes on at the other end.
class RecordedSound : public TakeSound {
 public:
  RecordedSound(std::vector<float> samples, int rate) : samples_(std::move(samples)), rate_(rate) {}

  double level() const;
  std::vector<float> Samples(double begin_s, int count, int rate, double level) const override;

 private:
  std::vector<float> samples_;
  int rate_;
};

}  // namespace interceptor::synth
