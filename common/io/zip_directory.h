// The one reader of a zip's central directory: the agent judges by it whether a chunk is whole, and the
// preparer lets libzip read entries of no other zip. libzip asks neither whether entries overlap nor whether
// they end where the directory begins, and does its work before their number can be judged.
// Format: PKWARE APPNOTE 6.3, sections 4.3.7 to 4.3.16 and 4.5.3.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/io/file_system.h"

namespace interceptor {

inline constexpr int64_t kArchiveEntriesMax = 200000;

// What the central directory says of an entry.
struct ZipEntry {
  std::string name;  // any bytes but NUL
  uint64_t size_bytes = 0;
  uint64_t packed_bytes = 0;
  uint32_t checksum = 0;  // CRC-32
  uint16_t method = 0;
  uint16_t flags = 0;
  uint8_t system = 0;       // that it was packed on; 3: Unix
  uint32_t attributes = 0;  // as that system has them
};

// In the directory's order. DATA_LOSS for a file that is cut short or damaged, INVALID_ARGUMENT for one that
// is made to deceive: entries that overlap, reach past the directory, lie on another disk, or have a NUL in
// their name; too many of them; two directories. Any other code is the file's: it cannot be read.
absl::StatusOr<std::vector<ZipEntry>> ReadZipDirectory(const File& file);

}  // namespace interceptor
