// One round of the integrating member: the six score tables are fetched, judged anew and joined into
//   <work>/results/round-<chunk>.csv and .json   (worker/integrate/results.h)
//   <work>/results/tables/<chunk>-<specialist>.csv
// Blocks; repeating a round writes the same bytes again.
#pragma once

#include <functional>
#include <string>

#include "absl/status/status.h"
#include "common/io/file_system.h"
#include "worker/session/session_values.h"

namespace interceptor::worker {

struct IntegrationOptions {
  std::string results_folder;
  std::string chunk_name;
  uint64_t seed = 0;
  // Writes the blob, verified, to a path.
  std::function<absl::Status(const Digest& blob, const std::string& path)> fetch;
};

absl::Status WriteRound(const FileSystem& files, const IntegrateRound& round,
                        const IntegrationOptions& options);

}  // namespace interceptor::worker
