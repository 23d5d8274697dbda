// Two data manifests of one chunk, made on two boxes: where they differ, for a person.
#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "common/io/file_system.h"

namespace interceptor::worker {

// Lines for the log: how many differ on each side, then at most five of each.
std::vector<std::string> DescribeDifference(const std::string& ours, const std::string& theirs);

// The same of two files, into the log.
absl::Status LogDifference(const FileSystem& files, const std::string& our_path,
                           const std::string& their_path);

}  // namespace interceptor::worker
