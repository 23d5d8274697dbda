// The first line of a data manifest (worker/store/manifest.h) for who does not want its clips.
#pragma once

#include <string_view>

#include "absl/status/statusor.h"
#include "common/facts/manifest.h"

namespace interceptor::worker {

// `text` is the manifest, or its first line. Keys that are not known are skipped; `blob` stays empty.
// DATA_LOSS names what is missing or of another type.
absl::StatusOr<interceptor::DataManifest> ReadManifestHeader(std::string_view text);

}  // namespace interceptor::worker
