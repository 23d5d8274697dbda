#include "common/facts/checkpoint.h"

#include <cstdio>

namespace interceptor {

std::string_view ToString(SaveReason reason) {
  return reason == SaveReason::kSaveNow ? "save_now" : "chunk_end";
}

std::optional<SaveReason> ParseSaveReason(std::string_view text) {
  for (const SaveReason reason : {SaveReason::kSaveNow, SaveReason::kChunkEnd}) {
    if (text == ToString(reason)) return reason;
  }
  return std::nullopt;
}

std::string MakeCheckpointId(std::string_view specialist, int64_t step) {
  char digits[24];
  std::snprintf(digits, sizeof(digits), "%012lld", static_cast<long long>(step));
  return std::string(specialist) + "-" + digits;
}

int ChunksCovered(const Checkpoint& checkpoint) {
  const Cursor& cursor = checkpoint.cursor;
  const bool at_start = cursor.epoch == 0 && cursor.position == 0;
  return checkpoint.reason == SaveReason::kChunkEnd && !at_start ? cursor.chunk + 1 : cursor.chunk;
}

}  // namespace interceptor
