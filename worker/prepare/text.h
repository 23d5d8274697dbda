// How a chunk's facts are shown to a person.
#pragma once

#include <cstdint>
#include <string>

#include "absl/strings/str_format.h"
#include "common/io/file_system.h"

namespace interceptor::worker {

// "00" for "data/00.zip": the name without folder and ending.
inline std::string ChunkOf(std::string_view zip_path) {
  const std::string name = BaseName(zip_path);
  return name.substr(0, name.find('.'));
}

// "9.8 GB": powers of ten, as disks are sold.
inline std::string ShownBytes(int64_t bytes) {
  const auto value = static_cast<double>(bytes);
  return value >= 1e9 ? absl::StrFormat("%.1f GB", value / 1e9) : absl::StrFormat("%.1f MB", value / 1e6);
}

}  // namespace interceptor::worker
