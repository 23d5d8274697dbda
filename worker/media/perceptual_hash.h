// A hash of what a picture shows, little changed by scaling and compression: the signs, against their median,
// of the 63 lowest cosine coefficients of a picture of 32 x 32 (Zauner, "Implementation and benchmarking of
// perceptual image hash functions", 2010, section 3.2). Pure.
#pragma once

#include <cstdint>
#include <vector>

#include "worker/media/decoded_clip.h"

namespace interceptor::worker {

// Of the full frames of a clip that was decoded with views of `view_pixels`, in order, without their
// letterbox. A picture that shows next to nothing has none: all of those are alike.
std::vector<uint64_t> HashFrames(const DecodedClip& clip, int view_pixels);

}  // namespace interceptor::worker
