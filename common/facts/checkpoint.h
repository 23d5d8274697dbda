// A published checkpoint as worker and coordinator speak of it; its bytes are a blob. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/time/time.h"
#include "common/base/digest.h"
#include "common/facts/cursor.h"

namespace interceptor {

// Numbered as in the journal.
enum class SaveReason { kSaveNow = 1, kChunkEnd };
std::string_view ToString(SaveReason reason);  // "save_now", "chunk_end"
std::optional<SaveReason> ParseSaveReason(std::string_view text);

struct Checkpoint {
  std::string id;  // "BG-000000001024"; MakeCheckpointId. Given by the coordinator
  std::string specialist;
  Digest blob;
  int64_t step = 0;
  Cursor cursor;
  double training_seconds = 0;
  std::vector<std::string> manifests;  // SHA-256 of the data manifests trained on, in chunk order
  SaveReason reason = SaveReason::kSaveNow;
  absl::Time committed_at = absl::UnixEpoch();  // given by the coordinator

  friend bool operator==(const Checkpoint&, const Checkpoint&) = default;
};

std::string MakeCheckpointId(std::string_view specialist, int64_t step);

// Chunks this checkpoint's model has been trained on whole: 0 .. ChunksCovered - 1. The cursor of a chunk-end
// checkpoint may stand at that chunk's end or at the next one's start.
int ChunksCovered(const Checkpoint& checkpoint);

}  // namespace interceptor
