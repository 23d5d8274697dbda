// What a box keeps through the death of its agent: checkpoint files, the memory of runs, the clip store.
// Every file is written whole or not at all (temporary, sync, rename), so a power loss takes only what was
// not finished.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "common/base/status.h"
#include "tests/simulation/blob.h"
#include "worker/session/session_values.h"

namespace interceptor::simulation {

struct BoxDisk {
  std::map<std::string, BodyPtr> files;               // by path
  std::map<std::string, worker::RunMemory> memories;  // by specialist
  std::map<std::string, worker::StoredChunk> store;   // by chunk; `has_train` says what is on the disk
  std::map<std::string, std::set<std::string>> refs;  // chunk -> specialists
  std::map<std::string, std::string> hashed;          // chunk -> digest of its zip
  bool full = false;
};

inline std::string CheckpointPath(const std::string& specialist, int64_t step) {
  return specialist + "/checkpoints/" + std::to_string(step);
}
inline std::string BasePath(const std::string& specialist, const Digest& blob) {
  return specialist + "/base-" + blob.hex.substr(0, 16);
}
inline std::string SnapshotPath(const std::string& specialist, int64_t number) {
  return specialist + (number % 2 == 0 ? "/recovery-a" : "/recovery-b");
}
inline std::string TablePath(const std::string& specialist, std::string_view kind, const std::string& chunk) {
  return Cat(specialist, "/scores/", kind, "-", chunk);
}

// As worker/agent/run_memory: leaves out files that are gone, and removes checkpoints that the memory does
// not name.
worker::RunMemory LoadRunMemory(BoxDisk& disk, const std::string& specialist);

// As worker/agent/store_keeper: the chunks that are complete. Only the train clips of chunks that a preparer
// has checked in this life of the agent count.
std::map<std::string, worker::StoredChunk> LookAtStore(const BoxDisk& disk,
                                                       const std::vector<std::string>& chunks,
                                                       const std::set<std::string>& trusted);
void ReleaseChunk(BoxDisk& disk, const std::string& chunk, const std::string& specialist);

}  // namespace interceptor::simulation
