// What the agent remembers of a run across its own death: <work>/runs/<BG>/unpublished.json, written
// atomically whenever it changes. A few lines of JSON; the checkpoints themselves are the trainer's files.
#pragma once

#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "common/io/file_system.h"
#include "worker/session/session_values.h"

namespace interceptor::worker {

std::string RunMemoryToJson(RunMemory memory);
// INVALID_ARGUMENT for anything that RunMemoryToJson did not write; FAILED_PRECONDITION for a newer version.
absl::StatusOr<RunMemory> ParseRunMemory(std::string_view text);

// An empty memory removes the file.
absl::Status StoreRunMemory(const FileSystem& files, const std::string& run_folder, const RunMemory& memory);
// Leaves out files that are gone or have another size, and facts about them. Removes checkpoints in the run's
// folder that it does not name; with a damaged memory, which is an empty one with a line in the log, none.
// FAILED_PRECONDITION for the memory of a newer version; the disk's error when it cannot be read.
absl::StatusOr<RunMemory> LoadRunMemory(const FileSystem& files, const std::string& run_folder);

}  // namespace interceptor::worker
