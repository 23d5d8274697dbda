#include "tests/synth/sound.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace interceptor::synth {
namespace {

// A two-pole resonator: the usual cheap model of one vocal-tract formant.
class Resonator {
 public:
  Resonator(double centre_hz, double width_hz, int rate)
      : radius_(std::exp(-std::numbers::pi * width_hz / rate)),
        feedback_(2 * radius_ * std::cos(2 * std::numbers::pi * centre_hz / rate)),
        gain_((1 - radius_) * 2) {}

  double Next(double input) {
    const double output = gain_ * input + feedback_ * last_ - radius_ * radius_ * before_;
    before_ = last_;
    last_ = output;
    return output;
  }

 private:
  double radius_, feedback_, gain_;
  double last_ = 0, before_ = 0;
};

// Scales to the root mean square `level`.
void SetLevel(std::vector<float>& samples, double level) {
  double power = 0;
  for (float sample : samples) power += static_cast<double>(sample) * sample;
  const double scale =
      level / std::sqrt(std::max(1e-12, power / std::max<double>(1, static_cast<double>(samples.size()))));
  for (float& sample : samples) sample = static_cast<float>(std::clamp(sample * scale, -1.0, 1.0));
}

}  // namespace

Speech::Speech(Draws draws, double length_s) {
  pitch_hz_ = draws.Uniform(95, 230);
  formant_hz_[0] = draws.Uniform(350, 800);
  formant_hz_[1] = draws.Uniform(1100, 2200);
  breath_seed_ = draws.Bits();
  double time_s = draws.Uniform(0, 0.15);
  while (time_s < length_s) {
    const double length = 1.0 / draws.Uniform(2.4, 6.0);
    syllables_.push_back({.begin_s = time_s, .length_s = length, .loudness = draws.Uniform(0.35, 1.0)});
    time_s += length * draws.Uniform(0.9, 1.15);
    if (draws.Chance(0.12)) time_s += draws.Uniform(0.15, 0.4);
  }
}

double Speech::Envelope(double time_s) const {
  double sum = 0;
  auto it = std::lower_bound(syllables_.begin(), syllables_.end(), time_s - 0.5,
                             [](const Syllable& s, double t) { return s.begin_s < t; });
  for (; it != syllables_.end() && it->begin_s < time_s; ++it) {
    const double phase = (time_s - it->begin_s) / it->length_s;
    if (phase < 1) sum += it->loudness * 0.5 * (1 - std::cos(2 * std::numbers::pi * phase));
  }
  return std::min(1.0, sum);
}

std::vector<float> Speech::Samples(double begin_s, int count, int rate, double level) const {
  // The envelope is smooth: one value per millisecond and straight lines between are enough.
  const int block = rate / 1000;
  Resonator first(formant_hz_[0], 90, rate), second(formant_hz_[1], 140, rate);
  uint64_t noise = breath_seed_ | 1;
  std::vector<float> samples(count);
  double loud = 0, slope = 0;
  for (int i = 0; i < count; ++i) {
    const double time_s = begin_s + static_cast<double>(i) / rate;
    if (i % block == 0) {
      loud = Envelope(time_s);
      slope = (Envelope(time_s + static_cast<double>(block) / rate) - loud) / block;
    }
    const double pitch = time_s * pitch_hz_;
    noise = noise * 6364136223846793005ULL + 1442695040888963407ULL;
    const double breath = static_cast<double>(noise >> 40) / (1 << 24) - 0.5;
    const double source = 2 * (pitch - std::floor(pitch)) - 1 + 0.3 * breath;
    const double envelope = loud + slope * (i % block);
    const double voice = first.Next(source) + 0.6 * second.Next(source) + 0.05 * source;
    samples[i] = static_cast<float>(envelope * voice + 0.004 * breath);
  }
  SetLevel(samples, level);
  return samples;
}

double RecordedSound::level() const {
  double power = 0;
  for (float sample : samples_) power += static_cast<double>(sample) * sample;
  return std::sqrt(power / std::max<double>(1, static_cast<double>(samples_.size())));
}

std::vector<float> RecordedSound::Samples(double begin_s, int count, int rate, double level) const {
  std::vector<float> samples(static_cast<size_t>(samples_.empty() ? 0 : count));
  const auto length = static_cast<double>(samples_.size());
  for (size_t i = 0; i < samples.size(); ++i) {
    double at = std::fmod((begin_s + static_cast<double>(i) / rate) * rate_, length);
    if (at < 0) at += length;
    const auto left = std::min(static_cast<size_t>(at), samples_.size() - 1);
    const float share = static_cast<float>(at - static_cast<double>(left));
    samples[i] = samples_[left] * (1 - share) + samples_[(left + 1) % samples_.size()] * share;
  }
  SetLevel(samples, level);
  return samples;
}

}  // namespace interceptor::synth
