// Tiny clips whose frames can be told apart.
#pragma once

#include <string>

namespace interceptor::worker {

// An H.264 clip with B frames whose k-th frame is grey of brightness 40 + 5 k (modulo 200) beside a red
// patch.
// Scenes above 0 differ in what lies around its middle. Turned and mirrored it is stored so that it shows the
// same.
std::string GreyClip(int frames, int first_level = 40, int rotation_degrees = 0, int scene = 0,
                     bool mirrored = false);

// The level of GreyClip's k-th frame.
int GreyLevel(int frame, int first_level = 40);

}  // namespace interceptor::worker
