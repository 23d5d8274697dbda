#include "worker/detect/videos.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <iostream>
#include <iterator>
#include <string_view>
#include <system_error>

#include "absl/strings/ascii.h"
#include "common/base/status.h"
#include "common/io/atomic_file.h"

namespace interceptor::worker {
namespace {

namespace fs = std::filesystem;

constexpr std::array<std::string_view, 13> kEndings = {
    ".mp4", ".mov", ".m4v", ".mkv", ".webm", ".avi", ".mpg", ".mpeg", ".ts", ".mts", ".3gp", ".wmv", ".flv"};
constexpr int64_t kVideoBytesMax = int64_t{2} << 30;

bool IsVideo(const fs::path& path) {
  return std::ranges::find(kEndings, absl::AsciiStrToLower(path.extension().string())) != kEndings.end();
}

absl::Status AddFolder(const std::string& folder, Videos& videos) {
  std::error_code error;
  std::vector<std::string> found;
  for (fs::recursive_directory_iterator at(folder, error), end; !error && at != end; at.increment(error)) {
    if (!at->is_regular_file(error)) continue;
    if (IsVideo(at->path())) {
      found.push_back(at->path().string());
    } else {
      ++videos.skipped;
    }
  }
  if (error) return NotFound(folder, ": ", error.message());
  if (found.empty()) return NotFound("folder ", folder, " holds no video");
  std::ranges::sort(found);
  videos.paths.insert(videos.paths.end(), found.begin(), found.end());
  return absl::OkStatus();
}

absl::StatusOr<std::string> ReadStandardInput() {
  std::string bytes;
  std::array<char, 1 << 16> part{};
  while (std::cin.read(part.data(), part.size()) || std::cin.gcount() > 0) {
    bytes.append(part.data(), static_cast<size_t>(std::cin.gcount()));
    if (std::ssize(bytes) > kVideoBytesMax) {
      return absl::ResourceExhaustedError(Cat("standard input has more than ", kVideoBytesMax, " bytes"));
    }
  }
  return bytes;
}

}  // namespace

absl::StatusOr<Videos> FindVideos(const std::vector<std::string>& named) {
  Videos videos;
  for (const std::string& name : named) {
    std::error_code error;
    const fs::file_status status = name == kStandardInput ? fs::file_status() : fs::status(name, error);
    if (name != kStandardInput && !fs::exists(status)) return NotFound(name, " is not there");
    if (fs::is_directory(status)) {
      ICPT_RETURN_IF_ERROR(AddFolder(name, videos));
    } else {
      videos.paths.push_back(name);
    }
  }
  return videos;
}

absl::StatusOr<std::string> ReadVideo(const std::string& path) {
  ICPT_ASSIGN_OR_RETURN(std::string bytes, path == kStandardInput
                                               ? ReadStandardInput()
                                               : ReadWholeFile(SystemFiles(), path, kVideoBytesMax));
  if (bytes.empty()) return InvalidArgument("the file is empty");
  return bytes;
}

}  // namespace interceptor::worker
