// A zip's directory and the bytes of its first entries.
#include <cstdint>

#include "tests/fuzz/memory_path.h"
#include "worker/prepare/archive.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const interceptor::fuzz::MemoryPath file({reinterpret_cast<const char*>(data), size});
  const auto archive = interceptor::worker::Archive::Open(file.path());
  if (!archive.ok()) return 0;
  int read = 0;
  for (const auto& entry : (*archive)->entries()) {
    if (++read > 8) break;
    (void)(*archive)->Read(entry, 1 << 20);
  }
  return 0;
}
