// Draws a take: a talking head before a wall, with its sound. Everything that a real clip and the fakes made
// from it have in common is decided here; noise and artefacts are added later, clip by clip.
#pragma once

#include <memory>
#include <opencv2/core.hpp>
#include <vector>

#include "tests/synth/draws.h"
#include "tests/synth/sound.h"

namespace interceptor::synth {

struct SceneShape {
  int width = 320;  // upright, pixels, even
  int height = 240;
  int frames = 48;
  double frames_per_second = 25;
  // The scene is lit so weakly that sensor noise shows.
  bool dark = false;
};

// The inner face in one frame, pixels.
struct FacePosition {
  cv::Point centre;
  double half_width = 0;
  double half_height = 0;
};

struct Take {
  SceneShape shape;
  std::vector<cv::Mat> frames;  // CV_8UC3, BGR, upright; drawn ones without noise
  std::vector<FacePosition> faces;
  double noise_sigma = 0;    // to be added, levels of 255
  double picture_noise = 0;  // already in the frames of a given clip, levels of 255
  std::shared_ptr<const TakeSound> sound;
  double sound_begin_s = 0;  // where in the sound the first frame stands
};

// Seconds of speech kept before and after the clip's own, for sound from another time of the take.
inline constexpr double kSpeechMargin_s = 1.0;

Take DrawTake(Draws draws, const SceneShape& shape);

}  // namespace interceptor::synth
