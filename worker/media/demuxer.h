// A media file in memory, demuxed by libavformat: no protocol, no other file, only the formats and codecs
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
#include "common/base/c_ptr.h"

namespace interceptor::worker {

using CodecPtr = CPtr<AVCodecContext, avcodec_free_context>;
using PacketPtr = CPtr<AVPacket, av_packet_free>;
using FramePtr = CPtr<AVFrame, av_frame_free>;

std::string ErrorText(int error);

class Demuxer {
 public:
  // DATA_LOSS says what is wrong with the file.
  // REQUIRES: `bytes` outlives the demuxer.
  static absl::StatusOr<std::unique_ptr<Demuxer>> Open(std::string_view bytes);
  ~Demuxer();
  Demuxer(const Demuxer&) = delete;
  Demuxer& operator=(const Demuxer&) = delete;

  AVFormatContext* format() const { return format_; }
  // The stream of that kind that shows the clip, or null: no cover picture, one of several packets before one
  // of a single (a thumbnail), and else as ffmpeg chooses (av_find_best_stream): decodable, default, of the
  // most pixels or channels, of the most packets, the first. Packets of all others are skipped.
  absl::StatusOr<AVStream*> SelectStream(AVMediaType kind);
  // The next packet of the selected stream; null at the end. DATA_LOSS for a file that is cut short or
  // damaged.
  // REQUIRES: a stream was selected.
  absl::StatusOr<PacketPtr> NextPacket();

 private:
  explicit Demuxer(std::string_view bytes) : bytes_(bytes) {}
  static int Read(void* self, uint8_t* buffer, int size);
  static int64_t Seek(void* self, int64_t offset, int whence);

  std::string_view bytes_;
  int64_t position_ = 0;
  AVFormatContext* format_ = nullptr;
  const AVStream* stream_ = nullptr;
};

// A single-threaded decoder of the stream; `tune` may change it before it is opened.
absl::StatusOr<CodecPtr> OpenDecoder(const AVStream& stream, void (*tune)(AVCodecContext& codec));

// Recognises H.264 packets that no other picture refers to, a third of a clip in the usual B pyramid:
// unwanted ones need not be decoded, and what remains decodes to the same bytes (ITU-T H.264,
// nal_ref_idc, 7.4.1).
class H264PacketFilter {
 public:
  // `extradata` is the stream's avcC box; without one, or for another codec, every packet counts as a
  // reference.
  H264PacketFilter(bool is_h264, const uint8_t* extradata, int extradata_bytes);

  // True when every slice in the packet has nal_ref_idc 0. False for damaged packets: the decoder judges
  // them.
  bool IsNonReference(const uint8_t* packet, int packet_bytes) const;

 private:
  int length_bytes_ = 0;  // of the size before each NAL unit; 0: unknown
};

}  // namespace interceptor::worker
