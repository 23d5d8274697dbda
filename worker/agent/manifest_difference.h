// Two data manifests of one chunk, made on two boxes: where they differ, for a person.
#pragma once

#include <string>
#include <vector>

namespace interceptor::worker {

// Lines for the log: how many differ on each side, then at most five of each.
std::vector<std::string> DescribeDifference(const std::string& ours, const std::string& theirs);

}  // namespace interceptor::worker
