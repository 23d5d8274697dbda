// The system's file system with a disk that fails on command: tests run an operation again and again, failing
// its first mutating call, its second, and so on until it succeeds. Mutating calls are WriteAt, Truncate and
// Sync of files, opening a file to write, MakeFolder, Rename, Remove and SyncFolder. A failing WriteAt first
// writes the front half of its bytes, as a full disk does; any other failing call does nothing. Safe from any
// thread. Files must not outlive it.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/synchronization/mutex.h"
#include "common/io/file_system.h"

namespace interceptor {

class FaultyFileSystem : public FileSystem {
 public:
  explicit FaultyFileSystem(const FileSystem& real = SystemFiles()) : real_(real) {}

  // Starts counting anew; the `nth` mutating call from here (1 is the next) returns `status`, all others
  // work.
  void FailCall(int64_t nth, absl::Status status);
  // The same, and every mutating call after it fails too.
  void FailFromCall(int64_t nth, absl::Status status);
  // Nothing fails any more; counting goes on.
  void Heal();

  // Mutating calls since the last FailCall or FailFromCall, failed ones included.
  int64_t mutating_calls() const;

  absl::StatusOr<std::unique_ptr<File>> Open(const std::string& path, OpenMode mode) const override;
  absl::StatusOr<FileInfo> Stat(const std::string& path) const override { return real_.Stat(path); }
  absl::StatusOr<std::vector<std::string>> List(const std::string& folder) const override {
    return real_.List(folder);
  }
  absl::Status MakeFolder(const std::string& folder) const override;
  absl::Status Rename(const std::string& from, const std::string& to) const override;
  absl::Status Link(const std::string& from, const std::string& to) const override;
  absl::Status Remove(const std::string& path) const override;
  absl::Status SyncFolder(const std::string& folder) const override;
  absl::StatusOr<SpaceInfo> Space(const std::string& folder) const override { return real_.Space(folder); }

 private:
  friend class FaultyFile;

  void Arm(int64_t first, int64_t last, absl::Status status);
  // Counts a mutating call; the planned fault if this is its turn.
  absl::Status Count() const;

  const FileSystem& real_;
  mutable absl::Mutex mutex_;
  mutable int64_t calls_ ABSL_GUARDED_BY(mutex_) = 0;
  int64_t first_ ABSL_GUARDED_BY(mutex_) = 0;
  int64_t last_ ABSL_GUARDED_BY(mutex_) = -1;
  absl::Status status_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace interceptor
