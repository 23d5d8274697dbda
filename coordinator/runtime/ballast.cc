#include "coordinator/runtime/ballast.h"

#include "common/base/status.h"
#include "common/io/atomic_file.h"

namespace interceptor::coordinator {

Ballast::Ballast(const FileSystem& files, const std::string& folder, int64_t size_bytes)
    : files_(files), folder_(folder), path_(JoinPath(folder, "ballast")), size_bytes_(size_bytes) {
  const absl::StatusOr<FileInfo> info = files_.Stat(path_);
  stowed_ = info.ok() && info->size_bytes == size_bytes;
}

absl::Status Ballast::Stow() {
  if (stowed_) return absl::OkStatus();
  ICPT_ASSIGN_OR_RETURN(const SpaceInfo space, files_.Space(folder_));
  if (space.free_bytes < 2 * size_bytes_) {
    return ResourceExhausted("the ballast of ", size_bytes_, " bytes wants twice as much free; ",
                             space.free_bytes, " are");
  }
  // Bytes that differ from zero: a file system may store zeros as a hole, which is no ballast.
  ICPT_RETURN_IF_ERROR(
      WriteFileAtomically(files_, path_, std::string(static_cast<size_t>(size_bytes_), 'b')));
  stowed_ = true;
  return absl::OkStatus();
}

absl::Status Ballast::Drop() {
  stowed_ = false;
  ICPT_RETURN_IF_ERROR(files_.Remove(path_));
  return files_.SyncFolder(folder_);
}

}  // namespace interceptor::coordinator
