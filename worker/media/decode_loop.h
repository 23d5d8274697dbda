// The loop of a decoder process: one job at a time.
#pragma once

#include <string>

#include "absl/status/status.h"

namespace interceptor::worker {

// Loads the face model (FaceDetector), enters the sandbox and serves jobs on `socket` until the other side
// closes it. An error before the first job is sent there too.
absl::Status ServeDecodeJobs(int socket, const std::string& face_model);

}  // namespace interceptor::worker
