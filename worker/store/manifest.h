// The data manifest: the audited list of a chunk's clips as canonical JSON lines. Its digest is a fact of the
// cluster and stands in every checkpoint. First line: {"chunk","chunk_sha256","clips","families","folds",
// "quarantined","version"}; then one line a clip, sorted by name: {"clip","family","fold","label"} or
// {"clip","quarantined": reason}. Keys sorted, no spaces, one '\n' after each line: the same chunk gives the
// same bytes on every box.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "common/base/digest.h"
#include "worker/core/types.h"

namespace interceptor::worker {

struct DataManifest {
  std::string chunk;
  std::string chunk_sha256;
  int folds = 0;
  std::vector<ClipInfo> clips;                      // sorted by name, quarantined ones left out
  std::map<std::string, std::string> quarantined;  // clip -> reason

  int FamilyCount() const;
};

std::string EncodeManifest(const DataManifest& manifest);
// DATA_LOSS with the line number for anything but canonical text; FAILED_PRECONDITION for a newer version.
absl::StatusOr<DataManifest> DecodeManifest(std::string_view text);

}  // namespace interceptor::worker
