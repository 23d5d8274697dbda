#include "coordinator/runtime/incarnation_file.h"

#include <sstream>

#include "common/base/status.h"
#include "common/io/atomic_file.h"

namespace interceptor::coordinator {
namespace {

// No file has it.
constexpr uint64_t kNoInode = 0;

std::string PathIn(const std::string& folder) { return JoinPath(folder, "incarnation"); }

absl::Status Write(const FileSystem& files, const std::string& path, const Incarnation& newest,
                   uint64_t inode) {
  return WriteFileAtomically(files, path, Cat(newest.number, " ", newest.nonce, " ", inode, "\n"));
}

}  // namespace

IncarnationFile::IncarnationFile(const FileSystem& files, const std::string& folder)
    : files_(files), path_(PathIn(folder)), journal_(JoinPath(folder, "journal.sqlite")) {}

absl::StatusOr<KeptStart> IncarnationFile::Read() {
  const absl::StatusOr<std::string> text = ReadWholeFile(files_, path_);
  if (absl::IsNotFound(text.status())) return kept_ = {};
  ICPT_RETURN_IF_ERROR(text.status());
  ICPT_ASSIGN_OR_RETURN(const FileInfo journal, files_.Stat(journal_));
  std::istringstream words(*text);
  uint64_t inode = kNoInode;
  if (words >> kept_.start.number >> kept_.start.nonce >> inode && kept_.start.number > 0) {
    kept_.copied = inode != journal.inode;
    return kept_;
  }
  return DataLoss(path_, " is damaged: remove it if the journal beside it is the newest, else restore both");
}

absl::Status IncarnationFile::Keep(const Incarnation& newest) {
  if (newest == kept_.start && !kept_.copied) return absl::OkStatus();
  ICPT_ASSIGN_OR_RETURN(const FileInfo journal, files_.Stat(journal_));
  ICPT_RETURN_IF_ERROR(Write(files_, path_, newest, journal.inode));
  kept_ = {newest, false};
  return absl::OkStatus();
}

absl::Status MarkAsCopy(const FileSystem& files, const std::string& folder, const Incarnation& newest) {
  return Write(files, PathIn(folder), newest, kNoInode);
}

}  // namespace interceptor::coordinator
