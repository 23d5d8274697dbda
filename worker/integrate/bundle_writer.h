// Makes a bundle (bundle.h) of a round and the checkpoints that its score tables are of.
#pragma once

#include <map>
#include <string>

#include "absl/status/statusor.h"
#include "common/io/file_system.h"
#include "worker/integrate/bundle.h"
#include "worker/integrate/results.h"

namespace interceptor::worker {

struct BundleOptions {
  std::string folder;  // of the bundle
  RunSettings settings;
  std::map<SpecialistName, std::string> checkpoints;  // paths
  std::string face_model = {};                        // path; where the settings name one
  std::string trained_on = {};
};

// The folder appears whole or not at all; the same input always gives the same bytes. What is returned names the bundle.
// `tables` are the round's, `round_json` its results as they are written.
//
// ALREADY_EXISTS when another bundle is there; NOT_FOUND names a checkpoint that is missing or not there; FAILED_PRECONDITION
// when the round has no fusion, or naming a checkpoint of another specialist, plan or step than its score table is of;
// DATA_LOSS a damaged one. Then nothing is left.
absl::StatusOr<Digest> WriteBundle(const FileSystem& files, const BundleOptions& options,
                                   const RoundResults& results,
                                   const std::map<SpecialistName, ScoreTable>& tables,
                                   const std::string& round_json);

}  // namespace interceptor::worker
