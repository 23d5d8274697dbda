// mouth_track and burst: frames that belong together in time.
#pragma once

#include <memory>

#include "worker/media/clip_view.h"
#include "worker/media/schedule.h"

namespace interceptor::worker {

// The lower 45 % of the face as a square, luma, of every frame of the schedule's windows. Nothing for a clip
// without a face; a frame without one, kNoFrame, and what a short window lacks at its end, is zeros. Adds
// "mouth_sides": of the square in pixels of the upright picture, for each frame; 0 for zeros.
std::unique_ptr<ClipView> MakeMouthTrack(const Schedule& schedule);

// The schedule's bursts but those with a cut inside or without a face: the face with its margin, in the one
// box that it has in the middle of the burst. Adds "burst_seconds" (of each frame) and "burst_boxes" (x, y
// and side of each burst).
std::unique_ptr<ClipView> MakeBursts(const Schedule& schedule);

}  // namespace interceptor::worker
