// STATE/incarnation: what the state folder remembers of the newest start beside the journal, "<number>
// <nonce>". With an older journal.sqlite put back into the folder the two contradict each other.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "common/io/file_system.h"
#include "coordinator/core/types.h"

namespace interceptor::coordinator {

// One thread.
class IncarnationFile {
 public:
  // `files` must outlive it.
  IncarnationFile(const FileSystem& files, const std::string& folder);

  // Number 0 when there is none. DATA_LOSS names a file that holds something else.
  absl::StatusOr<Incarnation> Read();
  // Writes it unless it was written or read last. Call when its event is durable.
  absl::Status Keep(const Incarnation& newest);

 private:
  const FileSystem& files_;
  const std::string path_;
  Incarnation kept_;
};

}  // namespace interceptor::coordinator
