// STATE/incarnation: what the state folder remembers of the newest start beside the journal, "<number>
// <nonce> <inode>". With an older journal.sqlite put back into the folder the numbers contradict each other,
// and in a copy of the folder the inode is not that of journal.sqlite.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "common/io/file_system.h"
#include "coordinator/core/command.h"

namespace interceptor::coordinator {

// One thread.
class IncarnationFile {
 public:
  // `files` must outlive it.
  IncarnationFile(const FileSystem& files, const std::string& folder);

  // Number 0 when there is none. DATA_LOSS names a file that holds something else.
  absl::StatusOr<KeptStart> Read();
  // Writes it unless it was written or read last. Call when its event is durable.
  absl::Status Keep(const Incarnation& newest);

 private:
  const FileSystem& files_;
  const std::string path_;
  const std::string journal_;
  KeptStart kept_;
};

// Marks `folder` as a copy for whoever starts a coordinator on it.
absl::Status MarkAsCopy(const FileSystem& files, const std::string& folder, const Incarnation& newest);

}  // namespace interceptor::coordinator
