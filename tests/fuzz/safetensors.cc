// A checkpoint's container: the file as it is, and a header alone.
#include <cstdint>

#include "common/io/file_system.h"
#include "common/io/safetensors.h"
#include "tests/fuzz/memory_path.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  (void)interceptor::ParseSafetensorsHeader(text, 1000);
  const interceptor::fuzz::MemoryPath file(text);
  (void)interceptor::SafetensorsFile::Open(interceptor::SystemFiles(), file.path());
  return 0;
}
