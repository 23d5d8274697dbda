// What children say and hear: a trainer or preparer and its agent, a decoder to its preparer (and what the preparer
// makes of it), and a preparer to its decoder.
#include <cstdint>

#include "common/io/config.h"
#include "worker/child_protocol/codec.h"
#include "worker/media/block_mask.h"
#include "worker/media/decode_protocol.h"
#include "worker/media/perceptual_hash.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto message = interceptor::ParseJsonObject(text); message.ok()) {
    (void)interceptor::worker::ReadEvent<interceptor::worker::TrainerEvent>(*message);
    (void)interceptor::worker::ReadEvent<interceptor::worker::PreparerEvent>(*message);
    (void)interceptor::worker::ReadCommand(*message);
  }
  (void)interceptor::worker::ParseJob(text);
  static const auto output = interceptor::worker::MemoryFile(std::string(1 << 16, 'x'));
  const auto answer = interceptor::worker::ReadResponse(
      text, output->get(),
      {.frames = 2,
       .view_pixels = 16,
       .thumbnail_mode = interceptor::worker::ThumbnailMode::kNearFullFrames});
  if (answer.ok() && answer->fault.empty()) {
    (void)interceptor::worker::HashFrames(answer->clip, 16);
    interceptor::worker::DecodedClip fake = answer->clip;
    interceptor::worker::AddBlockMask(answer->clip, fake);
  }
  return 0;
}
