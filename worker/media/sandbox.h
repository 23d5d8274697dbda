// The sandbox of a decoder process: resource limits, no new privileges and a seccomp allow-list. It is
// entered before the first byte of an untrusted file is read.
#pragma once

#include "absl/status/status.h"

namespace interceptor::worker {

// Sanitizers need calls that the sandbox forbids.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr bool kIsSandboxed = false;
#else
inline constexpr bool kIsSandboxed = true;
#endif

// No core dump, 16 open files and 1 GiB a file; where kIsSandboxed also 2 GiB of address space, a filter that
// kills the process at any system call that decoding does not need, and no file can be opened.
absl::Status EnterSandbox();

}  // namespace interceptor::worker
