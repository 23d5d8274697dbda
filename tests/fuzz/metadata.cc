// The labels of a chunk: metadata.json and the plan's CSV.
#include <cstdint>

#include "worker/prepare/label_sources.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  (void)interceptor::worker::ParseMetadata(text);
  (void)interceptor::worker::ParseLabelsCsv(text);
  return 0;
}
