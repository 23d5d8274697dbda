#include "common/facts/checkpoint.h"

#include "absl/strings/str_format.h"
#include "common/base/enum_names.h"

namespace interceptor {
namespace {

constexpr std::pair<SaveReason, std::string_view> kReasons[] = {{SaveReason::kSaveNow, "save_now"},
                                                                {SaveReason::kChunkEnd, "chunk_end"}};

}  // namespace

std::string_view ToString(SaveReason reason) { return NameOf(kReasons, reason); }

std::optional<SaveReason> ParseSaveReason(std::string_view text) { return ValueNamed(kReasons, text); }

std::string MakeCheckpointId(std::string_view specialist, int64_t step) {
  return absl::StrFormat("%s-%012d", std::string(specialist), step);
}

int ChunksCovered(const Checkpoint& checkpoint) {
  const Cursor& cursor = checkpoint.cursor;
  const bool at_start = cursor.epoch == 0 && cursor.position == 0;
  return checkpoint.reason == SaveReason::kChunkEnd && !at_start ? cursor.chunk + 1 : cursor.chunk;
}

}  // namespace interceptor
