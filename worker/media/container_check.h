// What libavformat passes over in silence, or calls by no name of its own: a container that ends too early.
// Pure.
#pragma once

#include <string_view>

#include "absl/status/status.h"

namespace interceptor::worker {

// DATA_LOSS for an MP4 or QuickTime file (ISO/IEC 14496-12, section 4.2) one of whose boxes runs past its end
// or that has no index, and for a Matroska or WebM file (RFC 8794, RFC 9559) whose segment does. Bytes behind
// the last box that are no box (zeros, text) do not matter. OK for any other file.
absl::Status CheckIsWhole(std::string_view bytes);

}  // namespace interceptor::worker
