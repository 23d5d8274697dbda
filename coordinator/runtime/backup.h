// Copies of the state folder, made between two batches:
//   STATE/backups/<UTC time>/   journal.sqlite, vault/ (second names of the same blobs), plan.txtpb,
//   incarnation
// Steps: 1. all of it under a name that ends in .unfinished, synced, 2. rename, 3. sync STATE/backups. A
// coordinator that is started on one, or on a copy of one, knows that it is a copy.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "coordinator/core/state.h"
#include "coordinator/journal/event_log.h"
#include "coordinator/vault/blob_store.h"

namespace interceptor::coordinator {

struct BackupReport {
  std::string folder;
  int64_t events = 0;
  int blobs = 0;
  int64_t blob_bytes = 0;
  int missing = 0;  // blobs that facts refer to and the vault has not got
};

struct BackupParts {
  const FileSystem& files;
  const EventLog& log;
  const BlobStore& vault;
  std::string state_folder;
};

// `facts` are what the log holds. Also removes what an interrupted backup left.
//   ALREADY_EXISTS      one was made in this second
//   RESOURCE_EXHAUSTED  the disk is full
absl::StatusOr<BackupReport> BackUp(const BackupParts& parts, const Facts& facts, absl::Time now);

}  // namespace interceptor::coordinator
