// A media file in memory, opened by libavformat: no protocol, no file beside it, only the formats and codecs
// that chunks hold. One thread.
#pragma once

extern "C" {
#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
}

#include <memory>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace interceptor::worker {

struct FreeCodec {
  void operator()(AVCodecContext* codec) const { avcodec_free_context(&codec); }
};
struct FreePacket {
  void operator()(AVPacket* packet) const { av_packet_free(&packet); }
};
struct FreeFrame {
  void operator()(AVFrame* frame) const { av_frame_free(&frame); }
};
using CodecPtr = std::unique_ptr<AVCodecContext, FreeCodec>;
using PacketPtr = std::unique_ptr<AVPacket, FreePacket>;
using FramePtr = std::unique_ptr<AVFrame, FreeFrame>;

std::string ErrorText(int error);

class MediaInput {
 public:
  // `bytes` must outlive this object. DATA_LOSS says what is wrong with the file.
  static absl::StatusOr<std::unique_ptr<MediaInput>> Open(std::string_view bytes);
  ~MediaInput();
  MediaInput(const MediaInput&) = delete;
  MediaInput& operator=(const MediaInput&) = delete;

  AVFormatContext* format() const { return format_; }
  // The stream of that kind that shows the clip, or null: no cover picture, one of several packets before one
  // of a single (a thumbnail), and else as ffmpeg chooses (av_find_best_stream): decodable, default, of the
  // most pixels or channels, of the most packets, the first. Every other one is left out when packets are
  // read.
  absl::StatusOr<AVStream*> Select(AVMediaType kind);
  // The next packet of the selected stream; null at the end. DATA_LOSS for a file that is cut short or
  // damaged.
  absl::StatusOr<PacketPtr> Next();

 private:
  explicit MediaInput(std::string_view bytes) : bytes_(bytes) {}
  static int Read(void* self, uint8_t* buffer, int size);
  static int64_t Seek(void* self, int64_t offset, int whence);

  std::string_view bytes_;
  int64_t position_ = 0;
  AVFormatContext* format_ = nullptr;
  const AVStream* stream_ = nullptr;
};

// A single-threaded decoder of the stream; `tune` may change it before it is opened.
absl::StatusOr<CodecPtr> OpenDecoder(const AVStream& stream, void (*tune)(AVCodecContext& codec));

}  // namespace interceptor::worker
