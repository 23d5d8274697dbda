#include "tests/synth/encode.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <opencv2/imgproc.hpp>

#include "tests/synth/libav.h"

namespace interceptor::synth {
namespace {

// What the muxer writes, in memory; mp4 goes back to patch sizes.
struct MemoryFile {
  std::string bytes;
  int64_t position = 0;

#if LIBAVFORMAT_VERSION_MAJOR >= 61
  using WrittenBytes = const uint8_t*;
#else
  using WrittenBytes = uint8_t*;
#endif

  static int Write(void* opaque, WrittenBytes data, int size) {
    auto* file = static_cast<MemoryFile*>(opaque);
    const auto end = static_cast<size_t>(file->position + size);
    if (file->bytes.size() < end) file->bytes.resize(end);
    std::memcpy(file->bytes.data() + file->position, data, static_cast<size_t>(size));
    file->position += size;
    return size;
  }
  static int Read(void* opaque, uint8_t* data, int size) {
    auto* file = static_cast<MemoryFile*>(opaque);
    const int64_t left = static_cast<int64_t>(file->bytes.size()) - file->position;
    if (left <= 0) return AVERROR_EOF;
    const int count = static_cast<int>(std::min<int64_t>(left, size));
    std::memcpy(data, file->bytes.data() + file->position, static_cast<size_t>(count));
    file->position += count;
    return count;
  }
  static int64_t Seek(void* opaque, int64_t offset, int whence) {
    auto* file = static_cast<MemoryFile*>(opaque);
    const auto size = static_cast<int64_t>(file->bytes.size());
    if (whence == AVSEEK_SIZE) return size;
    if (whence == SEEK_CUR) offset += file->position;
    if (whence == SEEK_END) offset += size;
    return file->position = offset;
  }
};

absl::Status Encode(AVCodecContext* codec, const AVFrame* frame, int stream,
                    std::vector<PacketPtr>& packets) {
  ICPT_RETURN_IF_ERROR(AvStatus(avcodec_send_frame(codec, frame), "encode"));
  while (true) {
    PacketPtr packet(av_packet_alloc());
    const int error = avcodec_receive_packet(codec, packet.get());
    if (error == AVERROR(EAGAIN) || error == AVERROR_EOF) return absl::OkStatus();
    ICPT_RETURN_IF_ERROR(AvStatus(error, "encode"));
    packet->stream_index = stream;
    packets.push_back(std::move(packet));
  }
}

// The stored picture that a display matrix of `degrees` clockwise turns upright.
cv::Mat Stored(const cv::Mat& upright, int degrees) {
  if (degrees == 0) return upright;
  cv::Mat stored;
  if (degrees == 90) cv::rotate(upright, stored, cv::ROTATE_90_COUNTERCLOCKWISE);
  if (degrees == 180) cv::rotate(upright, stored, cv::ROTATE_180);
  if (degrees == 270) cv::rotate(upright, stored, cv::ROTATE_90_CLOCKWISE);
  return stored;
}

absl::StatusOr<CodecPtr> OpenVideo(cv::Size size, const EncodeSettings& settings) {
  const AVCodec* encoder = avcodec_find_encoder_by_name("libx264");
  if (encoder == nullptr) return FailedPrecondition("this FFmpeg has no libx264 encoder");
  CodecPtr codec(avcodec_alloc_context3(encoder));
  codec->width = size.width;
  codec->height = size.height;
  codec->pix_fmt = AV_PIX_FMT_YUV420P;
  codec->framerate = av_d2q(settings.frames_per_second, 1001000);
  codec->time_base = av_inv_q(codec->framerate);
  codec->gop_size = settings.keyframe_interval;
  codec->max_b_frames = 3;
  codec->thread_count = 1;
  codec->flags |= AV_CODEC_FLAG_GLOBAL_HEADER | AV_CODEC_FLAG_BITEXACT;
  av_opt_set(codec->priv_data, "preset", "veryfast", 0);
  av_opt_set_double(codec->priv_data, "crf", settings.crf, 0);
  av_opt_set(codec->priv_data, "b-pyramid", "normal", 0);
  // One thread of lookahead too: with more, bits depend on the machine's core count.
  std::string parameters = "threads=1:lookahead-threads=1";
  // x264's AVX-512 routine for macroblock trees reads memory that nobody wrote (seen at 140x116), so its bits
  // would depend on what the heap held before.
  if ((av_get_cpu_flags() & AV_CPU_FLAG_AVX512) != 0) parameters += ":asm=avx2";
  av_opt_set(codec->priv_data, "x264-params", parameters.c_str(), 0);
  ICPT_RETURN_IF_ERROR(AvStatus(avcodec_open2(codec.get(), encoder, nullptr), "open libx264"));
  return codec;
}

absl::StatusOr<CodecPtr> OpenSound(const EncodeSettings& settings) {
  const AVCodec* encoder = avcodec_find_encoder(AV_CODEC_ID_AAC);
  if (encoder == nullptr) return FailedPrecondition("this FFmpeg has no AAC encoder");
  CodecPtr codec(avcodec_alloc_context3(encoder));
  codec->sample_fmt = AV_SAMPLE_FMT_FLTP;
  codec->sample_rate = settings.sound_rate;
  codec->bit_rate = 64000;
  codec->time_base = {1, settings.sound_rate};
  codec->flags |= AV_CODEC_FLAG_GLOBAL_HEADER | AV_CODEC_FLAG_BITEXACT;
  av_channel_layout_default(&codec->ch_layout, settings.sound_channels);
  ICPT_RETURN_IF_ERROR(AvStatus(avcodec_open2(codec.get(), encoder, nullptr), "open the AAC encoder"));
  return codec;
}

absl::Status EncodeFrames(AVCodecContext* codec, const std::vector<cv::Mat>& frames,
                          const EncodeSettings& settings, std::vector<PacketPtr>& packets) {
  FramePtr frame(av_frame_alloc());
  frame->format = codec->pix_fmt;
  frame->width = codec->width;
  frame->height = codec->height;
  ICPT_RETURN_IF_ERROR(AvStatus(av_frame_get_buffer(frame.get(), 0), "allocate a frame"));
  cv::Mat planar;
  for (size_t k = 0; k < frames.size(); ++k) {
    cv::Mat shown = frames[k];
    if (settings.mirrored) cv::flip(frames[k], shown, 1);
    cv::cvtColor(Stored(shown, settings.rotation_degrees), planar, cv::COLOR_BGR2YUV_I420);
    ICPT_RETURN_IF_ERROR(AvStatus(av_frame_make_writable(frame.get()), "allocate a frame"));
    const uint8_t* from = planar.data;
    for (int plane = 0; plane < 3; ++plane) {
      const int width = plane == 0 ? codec->width : codec->width / 2;
      const int height = plane == 0 ? codec->height : codec->height / 2;
      for (int row = 0; row < height; ++row, from += width) {
        std::memcpy(frame->data[plane] + row * frame->linesize[plane], from, static_cast<size_t>(width));
      }
    }
    frame->pts = static_cast<int64_t>(k);
    ICPT_RETURN_IF_ERROR(Encode(codec, frame.get(), 0, packets));
  }
  return Encode(codec, nullptr, 0, packets);
}

absl::Status EncodeSamples(AVCodecContext* codec, const std::vector<float>& sound,
                           std::vector<PacketPtr>& packets) {
  for (size_t at = 0; at < sound.size(); at += static_cast<size_t>(codec->frame_size)) {
    FramePtr frame(av_frame_alloc());
    frame->format = codec->sample_fmt;
    frame->nb_samples = static_cast<int>(std::min(sound.size() - at, static_cast<size_t>(codec->frame_size)));
    frame->sample_rate = codec->sample_rate;
    frame->pts = static_cast<int64_t>(at);
    ICPT_RETURN_IF_ERROR(
        AvStatus(av_channel_layout_copy(&frame->ch_layout, &codec->ch_layout), "sound layout"));
    ICPT_RETURN_IF_ERROR(AvStatus(av_frame_get_buffer(frame.get(), 0), "allocate sound"));
    for (int channel = 0; channel < codec->ch_layout.nb_channels; ++channel) {
      std::memcpy(frame->extended_data[channel], sound.data() + at,
                  sizeof(float) * static_cast<size_t>(frame->nb_samples));
    }
    ICPT_RETURN_IF_ERROR(Encode(codec, frame.get(), 1, packets));
  }
  return Encode(codec, nullptr, 1, packets);
}

absl::Status SetDisplay(AVStream* stream, const EncodeSettings& settings) {
  if (settings.rotation_degrees == 0 && !settings.mirrored) return absl::OkStatus();
  constexpr size_t kMatrixBytes = 9 * sizeof(int32_t);
#if LIBAVFORMAT_VERSION_MAJOR >= 61
  AVPacketSideData* side =
      av_packet_side_data_new(&stream->codecpar->coded_side_data, &stream->codecpar->nb_coded_side_data,
                              AV_PKT_DATA_DISPLAYMATRIX, kMatrixBytes, 0);
  uint8_t* bytes = side == nullptr ? nullptr : side->data;
#else
  uint8_t* bytes = av_stream_new_side_data(stream, AV_PKT_DATA_DISPLAYMATRIX, kMatrixBytes);
#endif
  if (bytes == nullptr) return ResourceExhausted("no memory for a display matrix");
  // libavutil sets the angle clockwise and reads it back counter-clockwise.
  av_display_rotation_set(reinterpret_cast<int32_t*>(bytes), settings.rotation_degrees);
  if (settings.mirrored) av_display_matrix_flip(reinterpret_cast<int32_t*>(bytes), 1, 0);
  return absl::OkStatus();
}

// The muxer with its memory file; both end together.
struct Muxer {
  MemoryFile file;
  AVFormatContext* format = nullptr;

  ~Muxer() {
    if (format == nullptr) return;
    if (format->pb != nullptr) {
      av_freep(&format->pb->buffer);
      avio_context_free(&format->pb);
    }
    avformat_free_context(format);
  }

  absl::Status Open() {
    ICPT_RETURN_IF_ERROR(
        AvStatus(avformat_alloc_output_context2(&format, nullptr, "mp4", nullptr), "open mp4"));
    constexpr int kBufferBytes = 1 << 16;
    format->pb = avio_alloc_context(static_cast<uint8_t*>(av_malloc(kBufferBytes)), kBufferBytes, 1, &file,
                                    MemoryFile::Read, MemoryFile::Write, MemoryFile::Seek);
    format->flags |= AVFMT_FLAG_BITEXACT | AVFMT_FLAG_CUSTOM_IO;
    return absl::OkStatus();
  }

  absl::StatusOr<AVStream*> AddStream(const AVCodecContext* codec) {
    AVStream* stream = avformat_new_stream(format, nullptr);
    if (stream == nullptr) return ResourceExhausted("no memory for a stream");
    stream->time_base = codec->time_base;
    ICPT_RETURN_IF_ERROR(AvStatus(avcodec_parameters_from_context(stream->codecpar, codec), "stream"));
    return stream;
  }
};

// Moves the index (moov) before the media data (mdat) and corrects the chunk offsets in it. The muxer's own
// way needs a file with a name.
void MoveIndexFirst(std::string& bytes);

}  // namespace

absl::StatusOr<std::string> EncodeMp4(const std::vector<cv::Mat>& frames, const std::vector<float>& sound,
                                      const EncodeSettings& settings) {
  if (frames.empty()) return InvalidArgument("a clip needs at least one frame");
  // x264 reports every clip's statistics as news.
  av_log_set_level(AV_LOG_ERROR);
  const cv::Size size = Stored(frames[0], settings.rotation_degrees).size();
  if (size.width % 2 != 0 || size.height % 2 != 0) {
    return InvalidArgument("frame size ", size.width, "x", size.height,
                           " is odd; H.264 4:2:0 needs even sizes");
  }
  ICPT_ASSIGN_OR_RETURN(CodecPtr video, OpenVideo(size, settings));
  std::vector<PacketPtr> packets;
  ICPT_RETURN_IF_ERROR(EncodeFrames(video.get(), frames, settings, packets));
  Muxer muxer;
  ICPT_RETURN_IF_ERROR(muxer.Open());
  ICPT_ASSIGN_OR_RETURN(AVStream * picture, muxer.AddStream(video.get()));
  picture->avg_frame_rate = video->framerate;
  ICPT_RETURN_IF_ERROR(SetDisplay(picture, settings));
  CodecPtr audio;
  if (!sound.empty()) {
    ICPT_ASSIGN_OR_RETURN(audio, OpenSound(settings));
    ICPT_RETURN_IF_ERROR(EncodeSamples(audio.get(), sound, packets));
    ICPT_RETURN_IF_ERROR(muxer.AddStream(audio.get()).status());
  }
  ICPT_RETURN_IF_ERROR(AvStatus(avformat_write_header(muxer.format, nullptr), "write mp4 header"));
  const AVRational bases[2] = {video->time_base, audio ? audio->time_base : AVRational{1, 1}};
  std::stable_sort(packets.begin(), packets.end(), [&](const PacketPtr& a, const PacketPtr& b) {
    return av_compare_ts(a->dts, bases[a->stream_index], b->dts, bases[b->stream_index]) < 0;
  });
  for (PacketPtr& packet : packets) {
    const AVStream* stream = muxer.format->streams[packet->stream_index];
    if (packet->stream_index == 0) packet->duration = 1;
    av_packet_rescale_ts(packet.get(), bases[packet->stream_index], stream->time_base);
    ICPT_RETURN_IF_ERROR(AvStatus(av_interleaved_write_frame(muxer.format, packet.get()), "write mp4"));
  }
  ICPT_RETURN_IF_ERROR(AvStatus(av_write_trailer(muxer.format), "write mp4 trailer"));
  avio_flush(muxer.format->pb);
  if (settings.index_first) MoveIndexFirst(muxer.file.bytes);
  return std::move(muxer.file.bytes);
}

namespace {

uint32_t BigEndian32(const std::string& bytes, size_t at) {
  uint32_t value = 0;
  for (size_t i = 0; i < 4; ++i) value = value << 8 | static_cast<uint8_t>(bytes[at + i]);
  return value;
}

// Adds `shift` to every entry of the stco tables inside the boxes of [begin, end).
void ShiftChunkOffsets(std::string& bytes, size_t begin, size_t end, uint32_t shift) {
  constexpr size_t kBoxHead = 8, kTableHead = 16;
  for (size_t at = begin; at + kBoxHead <= end;) {
    const size_t size = BigEndian32(bytes, at);
    if (size < kBoxHead || at + size > end) return;
    const std::string type = bytes.substr(at + 4, 4);
    if (type == "trak" || type == "mdia" || type == "minf" || type == "stbl") {
      ShiftChunkOffsets(bytes, at + kBoxHead, at + size, shift);
    } else if (type == "stco") {
      for (size_t entry = at + kTableHead; entry + 4 <= at + size; entry += 4) {
        const uint32_t moved = BigEndian32(bytes, entry) + shift;
        for (size_t i = 0; i < 4; ++i) bytes[entry + i] = static_cast<char>(moved >> (24 - 8 * i));
      }
    }
    at += size;
  }
}

void MoveIndexFirst(std::string& bytes) {
  size_t media = std::string::npos;
  for (size_t at = 0; at + 8 <= bytes.size();) {
    const size_t size = BigEndian32(bytes, at);
    if (size < 8 || at + size > bytes.size()) return;
    if (bytes.compare(at + 4, 4, "mdat") == 0) media = at;
    if (bytes.compare(at + 4, 4, "moov") == 0 && media != std::string::npos) {
      std::string index = bytes.substr(at, size);
      ShiftChunkOffsets(index, 8, size, static_cast<uint32_t>(size));
      bytes.erase(at, size);
      bytes.insert(media, index);
      return;
    }
    at += size;
  }
}

}  // namespace
}  // namespace interceptor::synth
