// What the kernel counts of a running process.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>

#include "absl/time/time.h"

namespace interceptor {

// "VmRSS" or "VmHWM", in bytes; 0 when the process is gone.
int64_t MemoryOf(pid_t pid, const std::string& name);
// User and system time of all its threads so far, exact to 10 ms.
absl::Duration ProcessorTimeOf(pid_t pid);
// Bytes it caused to be written to disks so far.
int64_t BytesWrittenBy(pid_t pid);

}  // namespace interceptor
