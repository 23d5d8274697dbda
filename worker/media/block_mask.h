// block_mask: where a fake differs from its original. A target for training and never evidence: a detector at
// work has no original. Pure.
#pragma once

#include "worker/media/decoded_clip.h"

namespace interceptor::worker {

// Adds to `fake`, whose thumbnails are of the frames of its full_frame, the view block_mask and the series
// "mask_known": 1 for a frame of which `original` has a thumbnail too, else 0, where the mask is zero. Adds
// nothing where no frame is known, or where size, frame rate or range of the two differ so that they cannot
// be compared.
// REQUIRES: both are of ReadResponse.
void AddBlockMask(const DecodedClip& original, DecodedClip& fake);

}  // namespace interceptor::worker
