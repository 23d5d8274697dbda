// The journal's file on a simulated disk: what was written and not synced may be lost or torn, a sync may
// fail with an unknown outcome. One frame a batch, as one transaction in the real journal: all of it or
// nothing is there after recovery. The records are the real codec's bytes.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "coordinator/core/event.h"
#include "tests/simulation/draws.h"

namespace interceptor::simulation {

class JournalDisk {
 public:
  explicit JournalDisk(Draws draws) : draws_(draws) {}

  // One batch at a time: Write, then one of Sync, SyncFailed or Crash.
  void Write(const std::vector<coordinator::Fact>& facts);
  void Sync();
  // The error came before or after the bytes were safe; nobody can tell.
  void SyncFailed();
  // The process or, with `power`, the machine died.
  void Crash(bool power);

  // Every fact of every whole frame; a torn last one is cut off first.
  absl::StatusOr<std::vector<coordinator::Fact>> Recover();

  int64_t bytes() const { return static_cast<int64_t>(durable_.size() + unsynced_.size()); }
  const std::string& durable() const { return durable_; }
  // What Write would take.
  static int64_t BytesOf(const std::vector<coordinator::Fact>& facts);

  // Reads a copy of the file's bytes: a backup.
  static absl::StatusOr<std::vector<coordinator::Fact>> Read(const std::string& bytes, size_t& whole);
  // A frame around records of any kind, as a newer version might write them.
  static std::string Frame(const std::vector<std::string>& records);

 private:
  Draws draws_;
  std::string durable_;
  std::string unsynced_;
};

}  // namespace interceptor::simulation
