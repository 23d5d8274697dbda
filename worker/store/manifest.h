// The data manifest: the audited list of a chunk's clips as canonical JSON lines. Its digest is a fact of the
// cluster and stands in every checkpoint. First line: {"chunk","chunk_sha256","clips","families","folds",
// "left_held_out","linked","quarantined","scanned","version","view_bytes"}; then one line a clip, sorted by
// name:
// {"clip","family","fold","label"}, with "look" for the clip by which its family is known, or
// {"clip","quarantined": reason}. Keys sorted, no spaces, one '\n' after each line: the same chunk gives the
// same bytes on every box. Version 1 has neither "left_held_out", "linked", "scanned" and "view_bytes" nor
// "look".
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "common/base/digest.h"
#include "worker/sampling/types.h"

namespace interceptor::worker {

inline constexpr int kManifestVersion = 2;

struct DataManifest {
  int version = kManifestVersion;
  std::string chunk;
  std::string chunk_sha256;
  int folds = 0;
  std::vector<ClipInfo> clips;                     // sorted by name, quarantined ones left out
  std::map<std::string, std::string> quarantined;  // clip -> reason
  std::map<std::string, int64_t> view_bytes;       // what each view takes in the store, by its name
  // Footage that is shared with another family (worker/sampling/links.h).
  std::map<std::string, std::vector<uint64_t>> fingerprints;  // clip -> hashes of some of its pictures
  std::map<std::string, std::string> scanned;                 // earlier chunk -> digest of its manifest
  std::map<std::string, std::string> linked;  // family of this chunk -> the one it shows footage of
  std::set<std::string> left_held_out;  // families of earlier chunks that are held out no more, up to here

  int FamilyCount() const;
};

std::string EncodeManifest(const DataManifest& manifest);
// DATA_LOSS with the line number for anything but canonical text; FAILED_PRECONDITION for a newer version.
absl::StatusOr<DataManifest> DecodeManifest(std::string_view text);

}  // namespace interceptor::worker
