// The central directory of a zip, held to its word before libzip takes it: libzip asks neither whether
// entries overlap nor whether they end where the directory begins, and does its work before their number can
// be judged. Format: PKWARE APPNOTE 6.3, sections 4.3.7 to 4.3.16 and 4.5.3.
#pragma once

#include <string>

#include "absl/status/status.h"
#include "common/io/file_system.h"

namespace interceptor {

inline constexpr int64_t kArchiveEntriesMax = 200000;

// DATA_LOSS for a file that is cut short or damaged, INVALID_ARGUMENT for one that is made to deceive:
// entries that overlap, reach past the directory, lie on another disk, or have a NUL in their name; too many
// of them.
absl::Status CheckZipDirectory(const FileSystem& files, const std::string& path);

}  // namespace interceptor
