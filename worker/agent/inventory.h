// Which of the plan's zips are in the --data folder, and their digests. A chunk counts as whole when its
// central directory can be read and its size and time hold still while it is hashed; until then it is listed
// by size, and by what is wrong with it. Digests are kept by inode, size and time in <work>/digests.json, so
// that a restart hashes nothing again. One thread.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "common/base/clock.h"
#include "common/base/steady_wait.h"
#include "common/io/file_system.h"
#include "worker/session/session_values.h"

namespace interceptor::worker {

class Inventory {
 public:
  Inventory(const FileSystem& files, std::string data, std::string work, const Clock& clock = SystemClock());

  // File names by chunk name.
  void SetChunks(std::map<std::string, std::string> names) { names_ = std::move(names); }

  // Looks at every chunk and hashes at most one that is not known yet. True when there may be more to hash at
  // once. `stopped` is asked while a file is read.
  bool Scan(const std::function<bool()>& stopped);

  const ChunkFiles& chunks() const { return chunks_; }

 private:
  struct Known {
    FileInfo file;
    std::string sha256;
  };
  // A file that is not hashed yet.
  struct Waiting {
    FileInfo file;
    MonotonicTime since;      // unchanged
    absl::Status fault;       // why it is not taken; OK while it was not read yet
    MonotonicTime read_next;  // a file that is no whole zip is not read again until it changes
  };
  void Load();
  void Store() const;
  absl::StatusOr<std::string> Hash(const std::string& path, const FileInfo& before,
                                   const std::function<bool()>& stopped) const;
  // Brings what is known of a file up to its present state; true when it is to be read now.
  bool Look(Waiting& waiting, bool is_new, const FileInfo& file, MonotonicTime now) const;
  // True when it is hashed now.
  bool Read(const std::string& name, Waiting& waiting, ChunkFile& chunk,
            const std::function<bool()>& stopped);

  const FileSystem& files_;
  const std::string data_;
  const std::string cache_path_;
  const Clock& clock_;
  std::map<std::string, std::string> names_;
  std::map<std::string, Known> known_;      // by file name
  std::map<std::string, Waiting> waiting_;  // by file name
  ChunkFiles chunks_;
};

// Watches the --data folder in a thread of its own: what changes in the inventory is handed over.
class InventoryThread {
 public:
  // `on_change` is called from the thread, never after the destructor.
  InventoryThread(Inventory inventory, std::function<void(const ChunkFiles&)> on_change);
  ~InventoryThread();

  // File names by chunk name, from the next look on.
  void SetChunks(std::map<std::string, std::string> names);

 private:
  void Run();

  Inventory inventory_;
  const std::function<void(const ChunkFiles&)> on_change_;
  absl::Mutex mutex_;
  std::map<std::string, std::string> names_ ABSL_GUARDED_BY(mutex_);
  SteadyNotification stop_;
  std::thread thread_;
};

}  // namespace interceptor::worker
