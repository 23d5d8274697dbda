// Turns a take and one clip's recipe into the frames and the sound that are encoded.
#pragma once

#include <vector>

#include "tests/synth/artefacts.h"
#include "tests/synth/recipe.h"

namespace interceptor::synth {

struct RenderedClip {
  std::vector<cv::Mat> frames;  // CV_8UC3, BGR, upright
  // Smallest ratio over the frames of what the colour artefact changed, dB; infinite without it.
  double colour_psnr_db = 0;
};

// `noise` is the take's own: an original and its fakes share it.
RenderedClip RenderPicture(const Take& take, const ClipRecipe& recipe, RandomKey noise);

// Mono samples for the whole clip.
std::vector<float> RenderSound(const Take& take, const ClipRecipe& recipe, int rate);

// The frame that the planted region shows at `frame` of a clip of `frames`: with a lag a late one; without,
// (0, 2, 1)(3, 5, 4) ..., where only `scrambled_share` of the triples, evenly spread, are out of order.
int ScrambledFrame(int frame, int frames, int lag_frames, double scrambled_share);

}  // namespace interceptor::synth
