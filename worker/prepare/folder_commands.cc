#include "worker/prepare/folder_commands.h"

#include <iostream>

#include "common/base/status.h"
#include "worker/prepare/audit.h"
#include "worker/prepare/estimate.h"

namespace interceptor::worker {

absl::Status RunAudit(const std::string& folder, const RunSettings& settings) {
  ICPT_ASSIGN_OR_RETURN(const FolderAudit audit, AuditFolder(folder, settings));
  std::cout << RenderAudit(audit);
  if (audit.Passed()) return absl::OkStatus();
  return FailedPrecondition(folder, " does not pass the gate; the list above says why");
}

absl::Status RunEstimate(const std::string& folder, const PreparationSettings& settings,
                         const DecoderPoolOptions& pool) {
  const auto tell = [](const ChunkEstimate& chunk) {
    std::cerr << "chunk " << chunk.chunk << ": " << chunk.tried << " of " << chunk.clips << " clips tried\n";
  };
  ICPT_ASSIGN_OR_RETURN(const auto chunks, EstimateFolder(folder, settings, pool, tell));
  std::cout << RenderEstimate(chunks);
  for (const ChunkEstimate& chunk : chunks) ICPT_RETURN_IF_ERROR(chunk.verdict);
  return absl::OkStatus();
}

}  // namespace interceptor::worker
