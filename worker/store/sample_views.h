// From the stored views of a clip to what a specialist sees of it at one moment. A specialist names its
// views; the first of them says which moments there are, the others are read at the same time.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "absl/status/statusor.h"
#include "worker/store/clip_store.h"
#include "worker/store/frame_batch.h"

namespace interceptor::worker {

// An element of a view's first dimension and its time; NaN when the clip does not tell it.
struct Moment {
  int64_t index = 0;
  double seconds = 0;
};

// Where a specialist can look, ascending in time: every frame of face_crop and full_frame; the frames of
// luma_patches that have an inner and a ring patch; the windows of mouth_track in which a mouth of
// kMouthSideMin pixels shows in three of four frames; every burst. Empty for a clip without the view.
inline constexpr double kMouthSideMin = 20;
std::vector<Moment> MomentsOf(const StoredClip& clip, View view);

// Position of the moment that is nearest in time, the earlier one of two equally near; -1 when no time is
// known.
int64_t NearestMoment(std::span<const Moment> moments, double seconds);

// The side of a clip's pictures. FAILED_PRECONDITION when the view is missing or holds no square pictures.
absl::StatusOr<int> PictureSide(const StoredClip& clip, View view);
// One picture as RGB, [side, side, 3] bytes at `rgb`. Errors as PictureSide, DATA_LOSS for a damaged store.
absl::Status CopyPicture(const StoredClip& clip, View view, int64_t frame, uint8_t* rgb);

// Adds what `views` show at the `position`-th of MomentsOf(clip, views.front()). FAILED_PRECONDITION for a
// clip whose pictures are missing or of another size than the input's, DATA_LOSS for a damaged store. A clip
// without moments of a view that is no picture gives a sample that is not usable.
absl::Status AppendSample(const StoredClip& clip, std::span<const View> views, int64_t position,
                          SpecialistInput& input);

// Of each view of `input`, the samples at the given places, in their order; a place may stand twice.
SpecialistInput SelectSamples(const SpecialistInput& input, std::span<const size_t> places);

// `count` positions spread evenly over `moments`, each the middle of its part; all when there are no more.
std::vector<int64_t> EvenlySpaced(int64_t moments, int count);

}  // namespace interceptor::worker
