// From a clip's bytes to its stored views and attributes: what a decoder process does for one job. One
// thread.
#pragma once

#include <string_view>

#include "absl/status/statusor.h"
#include "worker/media/decoded_clip.h"
#include "worker/media/face_detector.h"

namespace interceptor::worker {

// Any error is a reason to quarantine the clip.
absl::StatusOr<DecodedClip> DecodeClip(std::string_view bytes, const DecodeJob& job, FaceDetector& detector);

}  // namespace interceptor::worker
