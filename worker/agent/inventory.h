// Which of the plan's zips are in the --data folder, and their digests. A chunk counts as whole when its
// central directory can be read and its size and time hold still while it is hashed; until then it is listed
// by size alone. Digests are kept by inode, size and time in <work>/digests.json, so that a restart hashes
// nothing again. One thread.
#pragma once

#include <functional>
#include <map>
#include <string>

#include "common/io/file_system.h"
#include "worker/session/session_values.h"

namespace interceptor::worker {

// True when `file` ends in a zip's end-of-central-directory record that points at a central directory within
// it (APPNOTE.TXT 4.3.16; zip64's record counts as whole when its locator is there).
bool HasCentralDirectory(const File& file);

class Inventory {
 public:
  Inventory(const FileSystem& files, std::string data, std::string work);

  // File names by chunk name.
  void SetChunks(std::map<std::string, std::string> names) { names_ = std::move(names); }

  // Looks at every chunk and hashes at most one that is not known yet. True when there may be more to hash at
  // once. `stopped` is asked while a file is read.
  bool Scan(const std::function<bool()>& stopped);

  const ChunkFiles& chunks() const { return chunks_; }

 private:
  struct Known {
    uint64_t inode = 0;
    int64_t size_bytes = 0;
    int64_t modified_ns = 0;
    std::string sha256;
  };
  void Load();
  void Store() const;
  std::string Hash(const std::string& path, const FileInfo& before,
                   const std::function<bool()>& stopped) const;

  const FileSystem& files_;
  const std::string data_;
  const std::string cache_path_;
  std::map<std::string, std::string> names_;
  std::map<std::string, Known> known_;      // by file name
  std::map<std::string, FileInfo> seen_;    // at the last scan, by file name
  std::map<std::string, FileInfo> broken_;  // files that are no whole zip, as they were then
  ChunkFiles chunks_;
};

}  // namespace interceptor::worker
