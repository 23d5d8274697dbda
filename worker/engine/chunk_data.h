// The clips that a run meets on one chunk: what it trains on, what it replays and what it is judged by. Opens
// the clip stores and holds them to the committed manifest. Read-only; any thread.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/io/file_system.h"
#include "worker/child_protocol/messages.h"
#include "worker/sampling/recipe.h"
#include "worker/sampling/types.h"
#include "worker/store/clip_store.h"

namespace interceptor::worker {

// Clips and their infos, index for index.
struct ClipList {
  std::vector<const StoredClip*> clips;
  std::vector<ClipInfo> infos;

  void Add(const StoredClip& clip);
};

class ChunkData {
 public:
  // NOT_FOUND when a store is missing, FAILED_PRECONDITION when the store is not the committed manifest's or
  // was made with other folds; both say which chunk to prepare again.
  static absl::StatusOr<std::unique_ptr<ChunkData>> Open(const FileSystem& files, const std::string& store,
                                                         const RunSettings& settings,
                                                         const ChunkOrder& order);

  const std::string& manifest_sha256() const { return manifest_sha256_; }
  // The chunk's own clips outside the held-out fold, by name.
  const ClipList& base() const { return base_; }
  // Training families in the keep stores of all earlier chunks.
  const ClipList& replay() const { return replay_; }
  // Held-out families of this chunk and all earlier ones, but those whose footage was trained on under
  // another name; nothing is ever trained on them.
  const ClipList& held_out() const { return held_out_; }
  // Everything in this chunk, by name.
  const ClipList& whole() const { return whole_; }
  // A clip of this chunk whose footage earlier chunks trained on under another name: no honest look ahead.
  bool ShowsTrained(const ClipInfo& clip) const;
  // `list` with one family for all that show the same footage: statistics take families to be independent,
  // and what calibrates must not be what is reported.
  ClipList ByFootage(const ClipList& list) const;

 private:
  absl::Status ReadLinks(const FileSystem& files, const std::string& path);
  absl::Status CheckManifest(const FileSystem& files, const std::string& store, const RunSettings& settings,
                             const ChunkOrder& order);

  std::vector<std::unique_ptr<ClipStoreReader>> readers_;
  std::string manifest_sha256_;
  int held_out_fold_ = 0;
  std::map<std::string, std::string> shows_;  // family -> the one whose footage it shows, up to this chunk
  std::set<std::string> linked_;              // families of this chunk
  std::set<std::string> left_held_out_;       // families of earlier ones
  ClipList base_;
  ClipList replay_;
  ClipList held_out_;
  ClipList whole_;
};

}  // namespace interceptor::worker
