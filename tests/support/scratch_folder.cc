#include "tests/support/scratch_folder.h"

#include <filesystem>
#include <system_error>

#include "common/base/check.h"
#include "common/base/ids.h"
#include "common/io/file_system.h"

namespace interceptor {

ScratchFolder::ScratchFolder() {
  const std::filesystem::path folder = std::filesystem::temp_directory_path() / ("interceptor-" + NewId());
  path_ = folder.string();
  const absl::Status status = SystemFiles().MakeFolder(path_);
  ICPT_CHECK(status.ok()) << status;
}

ScratchFolder::~ScratchFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

std::string ScratchFolder::File(std::string_view name) const { return JoinPath(path_, name); }

}  // namespace interceptor
