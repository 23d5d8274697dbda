// A clip store: the file as it is, and behind a header and digest that fit, so that the index is reached.
#include <cstdint>

#include "common/base/digest.h"
#include "tests/fuzz/memory_path.h"
#include "worker/store/manifest.h"
#include "worker/store/sample_views.h"

namespace {

using interceptor::worker::ClipStoreReader;
using interceptor::worker::StoredClip;
using interceptor::worker::View;

void ReadStore(std::string_view bytes) {
  const interceptor::fuzz::MemoryPath file(bytes);
  const auto store = ClipStoreReader::Open(file.path());
  if (!store.ok()) return;
  for (const StoredClip& clip : (*store)->clips()) {
    for (const auto& view : clip.views) (void)interceptor::worker::VerifiedBytes(clip, view);
    const auto side = interceptor::worker::PictureSide(clip, View::kFaceCrop);
    if (!side.ok() || *side > 1024) continue;
    std::vector<uint8_t> rgb(static_cast<size_t>(*side) * static_cast<size_t>(*side) * 3);
    (void)interceptor::worker::CopyPicture(clip, View::kFaceCrop, 0, rgb.data());
  }
}

std::string WithHeader(std::string_view index) {
  std::string file("ICPTCLIP");
  const auto append = [&file](uint64_t value, int bytes) {
    for (int i = 0; i < bytes; ++i) file += static_cast<char>(value >> (8 * i));
  };
  append(interceptor::worker::kClipStoreVersion, 4);
  append(0, 4);
  append(128, 8);
  append(index.size(), 8);
  file += interceptor::DigestOf(index).hex.substr(0, 32);
  file.append(64, 'x');
  return file + std::string(index);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  ReadStore(text);
  ReadStore(WithHeader(text));
  (void)interceptor::worker::DecodeManifest(text);
  return 0;
}
