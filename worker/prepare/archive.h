// Reads a chunk's zip without ever extracting by name: entries are listed, judged and read into memory. What
// an archive says of itself is not believed; limits hold for the bytes that are really read.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "common/io/zip_directory.h"

namespace interceptor::worker {

struct ArchiveEntry {
  uint64_t index = 0;
  std::string path;          // as written in the zip: "dfdc_train_part_0/abcdefghij.mp4"
  int64_t size_bytes = 0;    // as declared
  int64_t packed_bytes = 0;  // as declared
  uint32_t checksum = 0;     // CRC-32, as declared
};

inline constexpr int64_t kEntryBytesMax = int64_t{512} << 20;
inline constexpr int64_t kArchiveBytesMax = int64_t{64} << 30;

// INVALID_ARGUMENT for a name that a careful reader must not meet: empty, over 255 bytes, absolute, with '..' or
// '.' as a part, with a backslash, a colon, a control character, or not UTF-8.
absl::Status ValidateEntryName(std::string_view name);

// One thread at a time.
class Archive {
 public:
  // NOT_FOUND when the file is absent. ReadZipDirectory's codes: DATA_LOSS is how a zip that is cut short or
  // still being copied looks. INVALID_ARGUMENT, naming the entry, for unsafe names, links, encryption, methods
  // other than stored and deflated, and names that stand twice (also in another case).
  static absl::StatusOr<std::unique_ptr<Archive>> Open(const std::string& path);
  virtual ~Archive() = default;

  // Regular files, sorted by path.
  virtual std::span<const ArchiveEntry> entries() const = 0;
  virtual const std::string& path() const = 0;

  // The entry's bytes, its checksum verified. DATA_LOSS when this entry is damaged, RESOURCE_EXHAUSTED when
  // it unpacks to more than `limit_bytes` or more than its packed size can honestly hold.
  virtual absl::StatusOr<std::string> Read(const ArchiveEntry& entry,
                                           int64_t limit_bytes = kEntryBytesMax) = 0;
};

}  // namespace interceptor::worker
