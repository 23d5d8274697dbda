// A decoded clip as the specialists' inputs are made of it, with mouth windows through all of it. One thread.
#pragma once

#include <string>

#include "worker/media/decoded_clip.h"
#include "worker/store/clip_store.h"

namespace interceptor::worker {

// Points into `decoded`.
StoredClip StoredClipOf(const DecodedClip& decoded);

// Windows of mouth and sound begin so many mouth frames after one another.
inline constexpr int64_t kWindowStride = 8;

// Cuts such windows out of those that follow on one another; `mouths` and `sounds` hold their bytes.
void SlideMouthWindows(StoredClip& clip, std::string& mouths, std::string& sounds);

}  // namespace interceptor::worker
