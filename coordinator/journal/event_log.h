// The journal: every durable event, in order, for good.
//   file     <folder>/journal.sqlite, table events(number, chain, record); numbers 1, 2, 3, ... without a gap
//   commit   rollback journal TRUNCATE, synchronous EXTRA, one transaction a batch: one group of syncs
//   chain    first 8 bytes of SHA-256(chain of the row before + number + record): Open finds a row that was
//            flipped, moved, or is missing before the last one
//   version  PRAGMA user_version; version N opens N and older, marks a file as its own with the first batch that
//            it appends, and refuses newer ones untouched
// One connection with an exclusive lock, one thread. Nothing else of the process may open the file: copies
// are made by Backup.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "coordinator/core/event.h"

namespace interceptor::coordinator {

struct NumberedFact {
  int64_t number = 0;
  Fact fact;
};

struct EventQuery {
  // Only events numbered below this; 0: from the newest.
  int64_t before = 0;
  // Only events whose subject (Describe) starts with this.
  std::string subject_prefix = {};
  int limit = 100;
};

class EventLog {
 public:
  virtual ~EventLog() = default;

  // All of `facts` durable, or none:
  //   RESOURCE_EXHAUSTED  the disk is full; nothing was written; the same batch may be appended again
  //   any other error     the outcome is unknown: the caller exits and recovers by replay
  // An empty batch is OK and writes nothing.
  virtual absl::Status Append(const std::vector<Fact>& facts) = 0;

  // Every fact from the first one on. Stops at the callback's first error and returns it.
  // DATA_LOSS names the first row that cannot be read.
  virtual absl::Status Replay(const std::function<absl::Status(const NumberedFact&)>& visit) const = 0;

  // Newest first. Reads `limit` rows at most: which rows have which subject is kept in memory, four bytes a
  // row. INVALID_ARGUMENT unless limit is 1 or more.
  virtual absl::StatusOr<std::vector<NumberedFact>> Read(const EventQuery& query) const = 0;

  // Number of the newest event; 0: none.
  virtual int64_t size() const = 0;

  // A consistent copy of the journal at `path`, which must not exist (ALREADY_EXISTS).
  virtual absl::Status Backup(const std::string& path) const = 0;
};

struct EventLogOptions {
  // The journal is full at this size, as it is on a full disk; 0: only then.
  int64_t bytes_max = 0;
};

// Opens or creates the journal in `folder`, which must exist.
//   FAILED_PRECONDITION  another coordinator holds the folder, or (IsNewerVersion) the journal was written
//                        by a newer version; its bytes are untouched
//   DATA_LOSS            a row is damaged, missing or out of order, or the file is no journal
absl::StatusOr<std::unique_ptr<EventLog>> OpenEventLog(const std::string& folder,
                                                       EventLogOptions options = {});

// True for the error of a journal written by a newer version: main exits with 78.
bool IsNewerVersion(const absl::Status& status);

}  // namespace interceptor::coordinator
