#include "worker/store/manifest_header.h"

#include "common/base/status.h"
#include "common/io/config.h"

namespace interceptor::worker {

absl::StatusOr<interceptor::DataManifest> ReadManifestHeader(std::string_view text) {
  const auto header = ParseJsonObject(text.substr(0, text.find('\n')));
  if (!header.ok()) return DataLoss("line 1: ", header.status().message());
  JsonReader reader(*header, "line 1");
  interceptor::DataManifest facts;
  facts.chunk = reader.String("chunk");
  facts.chunk_sha256 = reader.String("chunk_sha256");
  facts.clips = static_cast<int>(reader.Integer("clips"));
  facts.families = static_cast<int>(reader.Integer("families"));
  facts.quarantined = static_cast<int>(reader.Integer("quarantined"));
  if (reader.Has("view_bytes")) {  // since version 2
    for (const auto& [view, bytes] : reader.Object("view_bytes").items()) {
      if (!bytes.is_number_integer()) reader.Fail("has something else than numbers in view_bytes");
      facts.view_bytes[view] = bytes.is_number_integer() ? bytes.get<int64_t>() : 0;
    }
  }
  if (!reader.status().ok()) return DataLoss(reader.status().message());
  return facts;
}

}  // namespace interceptor::worker
