// luma_patches and codec_facts: what compression, resampling and noise left in the coded pixels.
#pragma once

#include <memory>
#include <opencv2/core.hpp>

#include "worker/media/clip_view.h"
#include "worker/media/schedule.h"

namespace interceptor::worker {

// Where the three patches of kPatchPixels lie: on the 16-pixel grid, inside `picture`. `face` in coded
// pixels: the inner patch in its middle, the ring's beside it (1.3 half sides from the middle, on the side
// with more room), the background's in the corner of the picture that is farthest away.
struct PatchPlaces {
  cv::Rect inner;
  cv::Rect ring;
  cv::Rect far;
};
PatchPlaces PlacePatches(cv::Size picture, const cv::Rect& face);

// Nothing for a clip whose pictures are smaller than a patch or have no plane of luma. Without a face the
// inner and the ring patch of that frame are zeros and their quantisers 255. Adds "patch_places" to the clip:
// x and y of each patch in coded pixels, -1 where there is none.
std::unique_ptr<ClipView> MakePatchViews(const Schedule& schedule);

}  // namespace interceptor::worker
