// Mouth windows through all of a decoded clip. One thread.
#pragma once

#include <string>

#include "worker/store/clip_store.h"

namespace interceptor::worker {

// Windows of mouth and sound begin so many mouth frames after one another.
inline constexpr int64_t kWindowStride = 8;

// Cuts such windows out of those that follow on one another; `mouths` and `sounds` hold their bytes.
void SlideMouthWindows(StoredClip& clip, std::string& mouths, std::string& sounds);

}  // namespace interceptor::worker
