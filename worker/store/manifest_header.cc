#include "worker/store/manifest_header.h"

#include "common/base/status.h"
#include "common/io/json_fields.h"

namespace interceptor::worker {

absl::StatusOr<interceptor::DataManifest> ReadManifestHeader(std::string_view text) {
  const auto header = ParseJsonObject(text.substr(0, text.find('\n')));
  if (!header.ok()) return DataLoss("line 1: ", header.status().message());
  FieldReader reader(*header, "line 1");
  interceptor::DataManifest facts;
  reader("chunk", facts.chunk);
  reader("chunk_sha256", facts.chunk_sha256);
  reader("clips", facts.clips);
  reader("families", facts.families);
  reader("quarantined", facts.quarantined);
  reader.Optional("view_bytes", facts.view_bytes);  // since version 2
  if (!reader.status().ok()) return DataLoss(reader.status().message());
  return facts;
}

}  // namespace interceptor::worker
