// Which videos are meant by what a user names.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace interceptor::worker {

inline constexpr char kStandardInput[] = "-";

struct Videos {
  std::vector<std::string> paths;  // kStandardInput for the one that is read from there
  int64_t skipped = 0;             // files in named folders whose ending is no video's
};

// Files as they are named; of folders all videos in them and below, sorted. NOT_FOUND names what is not there, or a folder
// without a video.
absl::StatusOr<Videos> FindVideos(const std::vector<std::string>& named);

// The whole file. RESOURCE_EXHAUSTED above 2 GiB; NOT_FOUND; INVALID_ARGUMENT when it is empty.
absl::StatusOr<std::string> ReadVideo(const std::string& path);

}  // namespace interceptor::worker
