// prepared.json: what a finished store was made from and what came out, written last. A store whose stamp
// fits is used again at once.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "common/base/digest.h"
#include "common/io/file_system.h"
#include "worker/sampling/recipe.h"

namespace interceptor::worker {

// Everything that the stored bytes depend on.
struct PreparationInputs {
  std::string chunk;
  std::string chunk_sha256;
  std::string face_model_sha256;
  std::string labels_sha256;                   // of the plan's CSV; empty without one
  std::map<std::string, std::string> scanned;  // earlier chunk -> digest of its manifest
  RunSettings settings;
};

// What preparing a chunk came to.
struct PrepareSummary {
  std::string manifest_path;
  Digest manifest;
  int64_t clips = 0;
  int64_t families = 0;
  int64_t quarantined = 0;
  int64_t train_bytes = 0;
  int64_t keep_bytes = 0;
  bool reused = false;
};

// The zip's digest as the stamp remembers it for a file of the same inode, size and time; else read anew.
absl::StatusOr<std::string> ZipDigest(const FileSystem& files, const std::string& zip_path,
                                      const std::string& store, const std::string& chunk);

// The finished store of exactly these inputs, its manifest's digest and files' sizes verified; nothing when
// it must be made. An error only when a newer version wrote it.
absl::StatusOr<std::optional<PrepareSummary>> FindPrepared(const FileSystem& files, const std::string& store,
                                                           const PreparationInputs& inputs);

// Makes a store of other inputs unfinished before its files are replaced. One of the same inputs, whose
// training views were evicted, keeps stamp and manifest: the same bytes come again, and others may be reading
// the rest.
absl::Status RemoveForeignStamp(const FileSystem& files, const std::string& store,
                                const PreparationInputs& inputs);
absl::Status WriteStamp(const FileSystem& files, const std::string& store, const PreparationInputs& inputs,
                        const FileInfo& zip, PrepareSummary summary);

}  // namespace interceptor::worker
