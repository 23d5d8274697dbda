// Log mel spectrum of 16 kHz sound. Column c is centred on sample 160 c: 400 samples under a periodic Hann
// window, zero-padded to 512, power of the transform, 80 triangles of height 1 whose corners lie evenly on
// the mel scale from 0 to 8000 Hz (mel = 2595 log10(1 + f / 700); O'Shaughnessy, "Speech Communication",
// 1987), natural logarithm of at least 1e-10. Outside the sound there is silence. Pure.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace interceptor::worker {

inline constexpr int kMelHop = 160;

// [columns, 80], one column each kMelHop samples.
std::vector<float> LogMel(std::span<const float> sound, int64_t columns);

// Mean over the bands of speech (300 to 3400 Hz) of each column of LogMel.
std::vector<double> SpeechLevel(std::span<const float> log_mel);

}  // namespace interceptor::worker
