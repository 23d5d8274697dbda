// The data gate alone, over a folder of chunks, before an hour is spent on decoding: what each chunk holds,
// and what only shows across chunks. One thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "worker/prepare/labels.h"
#include "worker/sampling/recipe.h"

namespace interceptor::worker {

struct ChunkAudit {
  std::string chunk;     // "00"
  absl::Status verdict;  // of opening the zip and of the gate
  int64_t zip_bytes = 0;
  int families = 0;
  GateReport gate;  // empty unless the verdict is OK
};

// `csv`: what ReadLabelsCsv said.
ChunkAudit AuditChunk(const std::string& zip, const PreparationSettings& settings,
                      const absl::StatusOr<std::optional<std::string>>& csv);

struct FolderAudit {
  std::vector<ChunkAudit> chunks;  // sorted by name
  // The face model, where the settings name one that is not there. One line for each kind and chunk, which
  // counts the clips, names the first few and says what to do: fakes whose original lies in another chunk or
  // in none, clips that stand twice, by name or by bytes (length and CRC-32 of the zip's directory), and
  // held-out families without REAL or FAKE.
  std::vector<std::string> findings;

  bool Passed() const;
};

// The zips of a folder as paths, sorted. NOT_FOUND when the folder is absent or holds none.
absl::StatusOr<std::vector<std::string>> ListZips(const std::string& folder);

absl::StatusOr<FolderAudit> AuditFolder(const std::string& folder, const RunSettings& settings);

// A table with one line a chunk, then what is wrong, for a person.
std::string RenderAudit(const FolderAudit& audit);

}  // namespace interceptor::worker
