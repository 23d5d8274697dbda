// Footage that a chunk shares with the chunks before it: a few pictures of one clip of each family are
// compared with those that earlier manifests hold.
#pragma once

#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/io/file_system.h"
#include "worker/media/decoder_pool.h"
#include "worker/prepare/archive.h"
#include "worker/prepare/labels.h"
#include "worker/sampling/links.h"
#include "worker/sampling/recipe.h"

namespace interceptor::worker {

struct EarlierChunks {
  std::map<std::string, std::string> scanned;  // chunk -> its manifest's digest
  std::vector<FamilyFingerprint> families;
  std::set<std::string> left_held_out;
  std::vector<ClipInfo> held_out;  // clips of the held-out fold
  bool complete = false;           // the plan names `chunk`, and the manifest of each chunk before it is here
};

// The manifests in `store` of the chunks that the plan puts before `chunk`; none for a chunk that the plan
// does not name. One that is absent is left out, a damaged one is an error.
absl::StatusOr<EarlierChunks> ReadEarlierChunks(const FileSystem& files, const std::string& store,
                                                const RunSettings& settings, const std::string& chunk);

// Hashed: the original of each family, or its first clip by name where the original is not in the chunk.
struct LeakScan {
  std::map<std::string, std::vector<uint64_t>> fingerprints;  // by clip
  FamilyLinks links;
};

// `progress(done, total)` is called between clips; CANCELLED when it returns false. Clips that cannot be
// decoded have no fingerprint.
absl::StatusOr<LeakScan> ScanForLeaks(DecoderPool& pool, Archive& archive, const std::string& chunk,
                                      const GateReport& gate, const EarlierChunks& earlier,
                                      const EvaluationSettings& evaluation,
                                      const std::function<bool(int64_t done, int64_t total)>& progress);

}  // namespace interceptor::worker
