// The agent's view of the clip store, which workers on one machine may share: what is complete in it, and
// which runs still need a chunk's train.clips. A run says so by an empty file
// <store>/refs/<chunk>/<box>-<specialist>; when the last one is gone, train.clips is removed. keep.clips
// stays to the plan's end. One thread.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/io/file_system.h"
#include "worker/session/session_values.h"

namespace interceptor::worker {

class StoreKeeper {
 public:
  StoreKeeper(const FileSystem& files, std::string store, std::string box);

  // NOT_FOUND while the chunk is not complete; DATA_LOSS when its manifest cannot be read. `has_train` is
  // true only for chunks that interceptor-prepare has checked since this agent started.
  absl::StatusOr<StoredChunk> Look(const std::string& chunk) const;
  // Every complete one.
  std::map<std::string, StoredChunk> LookAtAll(const std::vector<std::string>& chunks) const;
  // interceptor-prepare said that the chunk is whole.
  void Trust(const std::string& chunk) { trusted_.insert(chunk); }

  absl::Status Refer(const std::string& chunk, const std::string& specialist);
  absl::Status Release(const std::string& chunk, const std::string& specialist);

 private:
  std::string RefFolder(const std::string& chunk) const;

  const FileSystem& files_;
  const std::string store_;
  const std::string box_;
  std::set<std::string> trusted_;
};

}  // namespace interceptor::worker
