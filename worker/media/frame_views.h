// full_frame and face_crop of the sampled frames, with the attributes that are read off them.
#pragma once

#include <memory>

#include "worker/media/clip_view.h"
#include "worker/media/schedule.h"

namespace interceptor::worker {

// Without `with_face` no face is cut and no face is told. Adds to the clip the times, face boxes
// ("face_boxes": x, y and side of each sampled frame in pixels of the upright picture, zeros where there is
// none), picture types
// ("picture_types": 1 I, 2 P, 3 B, 0 unknown) and the times of full_frame ("full_frame_seconds").
std::unique_ptr<ClipView> MakeFrameViews(const Schedule& schedule, int view_pixels, bool with_face);

}  // namespace interceptor::worker
