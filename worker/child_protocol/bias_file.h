// A run's bias after a chunk as a JSON file in its folder: for people, and for a trainer that goes on without an agent.
#pragma once

#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "common/facts/bias.h"
#include "common/io/file_system.h"

namespace interceptor::worker {

absl::Status WriteBias(const FileSystem& files, std::string_view run_folder, std::string_view chunk,
                       const Bias& bias);
// NOT_FOUND; DATA_LOSS when it is none.
absl::StatusOr<Bias> ReadBias(const FileSystem& files, std::string_view run_folder, std::string_view chunk);

}  // namespace interceptor::worker
