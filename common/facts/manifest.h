#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "common/base/digest.h"

namespace interceptor {

// The audited list of a chunk's clips, by the digest of its bytes. The first one committed holds for everyone.
struct DataManifest {
  std::string chunk;
  Digest blob;
  std::string chunk_sha256;  // of the zip it was made from
  int clips = 0;
  int families = 0;
  int quarantined = 0;
  std::map<std::string, int64_t> view_bytes = {};  // what each view takes in a clip store

  friend bool operator==(const DataManifest&, const DataManifest&) = default;
};

}  // namespace interceptor
