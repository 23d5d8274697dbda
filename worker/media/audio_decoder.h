// A clip's sound on the time axis of its pictures. One thread.
#pragma once

#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace interceptor::worker {

inline constexpr int kAudioRate = 16000;
inline constexpr double kAudioSecondsMax = 600;

// Mono samples at kAudioRate, -1 to 1, the first at `start_seconds` of the file's own time and no more than
// `seconds` of them (at most kAudioSecondsMax); silence where the file has none. Codec priming and edit lists
// are honoured, gaps between packets stay where they are. NOT_FOUND when the clip has no sound, DATA_LOSS
// when it cannot be decoded.
absl::StatusOr<std::vector<float>> DecodeAudio(std::string_view bytes, double start_seconds, double seconds);

}  // namespace interceptor::worker
