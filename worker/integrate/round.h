// One round of the integrating member: the specialists' score tables of a chunk are judged anew and joined into
// round-<chunk>.csv and .json (worker/integrate/results.h), and reported on in report-<chunk>.json and .html
// (worker/integrate/report.h).
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/io/file_system.h"
#include "worker/integrate/bundle_writer.h"
#include "worker/integrate/results.h"

namespace interceptor::worker {

struct JoinOptions {
  std::string
      tables;  // folder of <chunk>-<specialist>.csv, and where wanted of look_ahead-<chunk>-<specialist>.csv
  std::string results;  // folder, made when it is not there
  std::string chunk;    // name
  std::optional<int> index = {};
  uint64_t seed = 0;
  std::vector<std::string> specialists = {};  // in the order of the result; the absent ones left out
  std::vector<AbsentSpecialist> absent = {};
  std::optional<BundleOptions> bundle = {};
};

// Says what was done, after each table; ends the work by returning false.
using JoinProgress = std::function<bool(const RoundResults& so_far)>;

// Repeating a round writes the same bytes again. A bundle is written last. NOT_FOUND names a table that is not there, DATA_LOSS one that
// is none, FAILED_PRECONDITION two that are of different plans; CANCELLED when `progress` says so. Then nothing is written.
// Errors of the bundle as WriteBundle; the tables of results are there then.
absl::StatusOr<RoundResults> JoinRound(const FileSystem& files, const JoinOptions& options,
                                       const JoinProgress& progress);

// For a round nobody described: every specialist with a table is in it, and of the six those without are
// absent. NOT_FOUND when there is no table of the chunk.
absl::Status FindSpecialists(const FileSystem& files, JoinOptions& options);

}  // namespace interceptor::worker
