// Pages in a folder, one a video.
#pragma once

#include <string>

#include "absl/status/status.h"
#include "common/io/file_system.h"
#include "worker/detect/detector.h"

namespace interceptor::worker {

// The file name of the video at `path`, made of letters, digits, dots, lines and hyphens, then a short digest of the path.
std::string PageName(const std::string& path);

// Writes the page of `line`, what ToLine gave of it, into `folder`. `clip`: null for one that cannot be decoded. Errors of the
// disk name the page.
absl::Status WritePage(const FileSystem& files, const std::string& folder, const std::string& path,
                       const std::string& line, const Bundle& bundle, const DecodedClip* clip);

}  // namespace interceptor::worker
