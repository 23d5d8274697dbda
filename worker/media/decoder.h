// The decoder child: one job at a time, in a process that can do nothing but compute. It is locked in
// (resource limits, no new privileges, a seccomp allow-list) before it sees the first foreign byte.
#pragma once

#include <string>

#include "absl/status/status.h"

namespace interceptor::worker {

// Sanitizers need calls that the cage forbids.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr bool kIsCaged = false;
#else
inline constexpr bool kIsCaged = true;
#endif

// 2 GiB of address space, 16 open files, no core dump; then every system call that decoding does not need
// kills the process, and opening a file fails. Nothing but the first three
// unless kIsCaged.
absl::Status LockIn();

// Loads the face model (FaceDetector), locks the process in and serves jobs on `socket` until the other side
// closes it. What keeps it from starting is told there.
absl::Status ServeDecodeJobs(int socket, const std::string& face_model);

}  // namespace interceptor::worker
