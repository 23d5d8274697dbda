// The face that was judged: where it was found, and pictures of it. OpenCV's codecs stay private to this file.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "worker/media/decoded_clip.h"

namespace interceptor::worker {

// Of the sampled frames those that show it, ascending: frame i of `faces` in the JSON line is frame [i] of these.
std::vector<size_t> FramesWithFace(const DecodedClip& clip);
// When the others are; times that the container does not tell are left out.
std::vector<double> SecondsWithoutFace(const DecodedClip& clip);

struct FacePicture {
  size_t frame = 0;  // of FramesWithFace, counted from 0
  std::string png;
};

// At most `count` evenly spread views of the face as they are stored, as PNG without loss. The same clip always gives the
// same bytes. None where the clip has no face; errors as CopyPicture (worker/store/sample_views.h).
absl::StatusOr<std::vector<FacePicture>> FacePictures(const DecodedClip& clip, int count);

}  // namespace interceptor::worker
