#include "tests/synth/decode.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <opencv2/imgproc.hpp>

#include "tests/synth/libav.h"

namespace interceptor::synth {
namespace {

struct Bytes {
  const std::string& all;
  int64_t position = 0;

  static int Read(void* opaque, uint8_t* to, int size) {
    auto* bytes = static_cast<Bytes*>(opaque);
    const int64_t left = static_cast<int64_t>(bytes->all.size()) - bytes->position;
    if (left <= 0) return AVERROR_EOF;
    const int count = static_cast<int>(std::min<int64_t>(left, size));
    std::memcpy(to, bytes->all.data() + bytes->position, static_cast<size_t>(count));
    bytes->position += count;
    return count;
  }
  static int64_t Seek(void* opaque, int64_t offset, int whence) {
    auto* bytes = static_cast<Bytes*>(opaque);
    if (whence == AVSEEK_SIZE) return static_cast<int64_t>(bytes->all.size());
    if (whence == SEEK_CUR) offset += bytes->position;
    if (whence == SEEK_END) offset += static_cast<int64_t>(bytes->all.size());
    return bytes->position = offset;
  }
};

struct Demuxer {
  explicit Demuxer(const std::string& all) : bytes{all} {}
  ~Demuxer() {
    if (format != nullptr) avformat_close_input(&format);
    if (io != nullptr) {
      av_freep(&io->buffer);
      avio_context_free(&io);
    }
  }

  absl::Status Open() {
    constexpr int kBufferBytes = 1 << 16;
    io = avio_alloc_context(static_cast<uint8_t*>(av_malloc(kBufferBytes)), kBufferBytes, 0, &bytes,
                            Bytes::Read, nullptr, Bytes::Seek);
    format = avformat_alloc_context();
    format->pb = io;
    if (avformat_open_input(&format, nullptr, nullptr, nullptr) < 0) return DataLoss("not a media file");
    if (avformat_find_stream_info(format, nullptr) < 0) return DataLoss("no readable stream");
    return absl::OkStatus();
  }

  Bytes bytes;
  AVIOContext* io = nullptr;
  AVFormatContext* format = nullptr;
};

absl::StatusOr<CodecPtr> OpenDecoder(const AVStream* stream) {
  const AVCodec* decoder = avcodec_find_decoder(stream->codecpar->codec_id);
  if (decoder == nullptr) return DataLoss("no decoder for ", avcodec_get_name(stream->codecpar->codec_id));
  CodecPtr codec(avcodec_alloc_context3(decoder));
  ICPT_RETURN_IF_ERROR(AvStatus(avcodec_parameters_to_context(codec.get(), stream->codecpar), "decoder"));
  codec->thread_count = 1;
  codec->export_side_data = AV_CODEC_EXPORT_DATA_VIDEO_ENC_PARAMS;
  codec->pkt_timebase = stream->time_base;
  ICPT_RETURN_IF_ERROR(AvStatus(avcodec_open2(codec.get(), decoder, nullptr), "open decoder"));
  return codec;
}

int RotationOf(const AVStream* stream) {
  const int32_t* matrix = nullptr;
#if LIBAVFORMAT_VERSION_MAJOR >= 61
  const AVPacketSideData* side = av_packet_side_data_get(
      stream->codecpar->coded_side_data, stream->codecpar->nb_coded_side_data, AV_PKT_DATA_DISPLAYMATRIX);
  if (side != nullptr) matrix = reinterpret_cast<const int32_t*>(side->data);
#else
  matrix =
      reinterpret_cast<const int32_t*>(av_stream_get_side_data(stream, AV_PKT_DATA_DISPLAYMATRIX, nullptr));
#endif
  if (matrix == nullptr) return 0;
  const int clockwise = static_cast<int>(std::lround(-av_display_rotation_get(matrix) / 90)) * 90;
  return (clockwise % 360 + 360) % 360;
}

cv::Mat Upright(const AVFrame* frame, int degrees) {
  cv::Mat planar(frame->height * 3 / 2, frame->width, CV_8UC1), image;
  uint8_t* to = planar.data;
  for (int plane = 0; plane < 3; ++plane) {
    const int width = plane == 0 ? frame->width : frame->width / 2;
    const int height = plane == 0 ? frame->height : frame->height / 2;
    for (int row = 0; row < height; ++row, to += width) {
      std::memcpy(to, frame->data[plane] + row * frame->linesize[plane], static_cast<size_t>(width));
    }
  }
  cv::cvtColor(planar, image, cv::COLOR_YUV2BGR_I420);
  if (degrees == 90) cv::rotate(image, image, cv::ROTATE_90_CLOCKWISE);
  if (degrees == 180) cv::rotate(image, image, cv::ROTATE_180);
  if (degrees == 270) cv::rotate(image, image, cv::ROTATE_90_COUNTERCLOCKWISE);
  return image;
}

class Collector {
 public:
  Collector(DecodedClip& clip, int frames_max) : clip_(clip), frames_max_(frames_max) {}

  absl::Status Take(AVCodecContext* codec, const AVPacket* packet) {
    // A broken packet costs its frame, not the clip; an empty clip is refused at the end.
    if (avcodec_send_packet(codec, packet) < 0) return absl::OkStatus();
    FramePtr frame(av_frame_alloc());
    while (avcodec_receive_frame(codec, frame.get()) >= 0) {
      if (codec->codec_type == AVMEDIA_TYPE_VIDEO) {
        ICPT_RETURN_IF_ERROR(TakePicture(frame.get()));
      } else {
        TakeSound(frame.get());
      }
    }
    return absl::OkStatus();
  }

  bool Full() const { return static_cast<int>(clip_.frames.size()) >= frames_max_; }
  void Finish() { clip_.mean_qp = blocks_ > 0 ? qp_sum_ / blocks_ : 0; }

 private:
  absl::Status TakePicture(const AVFrame* frame) {
    if (Full()) return absl::OkStatus();
    if (frame->format != AV_PIX_FMT_YUV420P && frame->format != AV_PIX_FMT_YUVJ420P) {
      return FailedPrecondition("only 8-bit 4:2:0 pictures are handled here");
    }
    if (frame->width % 2 != 0 || frame->height % 2 != 0) return FailedPrecondition("odd picture size");
    clip_.frames.push_back(Upright(frame, clip_.rotation_degrees));
    const AVFrameSideData* side = av_frame_get_side_data(frame, AV_FRAME_DATA_VIDEO_ENC_PARAMS);
    if (side == nullptr) return absl::OkStatus();
    auto* coding = reinterpret_cast<AVVideoEncParams*>(side->data);
    for (unsigned i = 0; i < coding->nb_blocks; ++i) {
      qp_sum_ += coding->qp + av_video_enc_params_block(coding, i)->delta_qp;
    }
    blocks_ += coding->nb_blocks;
    return absl::OkStatus();
  }

  void TakeSound(const AVFrame* frame) {
    if (frame->format != AV_SAMPLE_FMT_FLTP) return;
    const int channels = frame->ch_layout.nb_channels;
    for (int i = 0; i < frame->nb_samples; ++i) {
      float sum = 0;
      for (int c = 0; c < channels; ++c) sum += reinterpret_cast<const float*>(frame->extended_data[c])[i];
      clip_.sound.push_back(sum / static_cast<float>(channels));
    }
    clip_.sound_channels = channels;
  }

  DecodedClip& clip_;
  const int frames_max_;
  double qp_sum_ = 0, blocks_ = 0;
};

}  // namespace

absl::StatusOr<DecodedClip> DecodeMp4(const std::string& bytes, int frames_max) {
  Demuxer demuxer(bytes);
  ICPT_RETURN_IF_ERROR(demuxer.Open());
  const int picture = av_find_best_stream(demuxer.format, AVMEDIA_TYPE_VIDEO, -1, -1, nullptr, 0);
  if (picture < 0) return DataLoss("no picture stream");
  const int sound = av_find_best_stream(demuxer.format, AVMEDIA_TYPE_AUDIO, -1, picture, nullptr, 0);
  const AVStream* stream = demuxer.format->streams[picture];
  DecodedClip clip;
  clip.frames_per_second =
      av_q2d(stream->avg_frame_rate.num > 0 ? stream->avg_frame_rate : stream->r_frame_rate);
  clip.rotation_degrees = RotationOf(stream);
  clip.duration_s = static_cast<double>(demuxer.format->duration) / AV_TIME_BASE;
  ICPT_ASSIGN_OR_RETURN(CodecPtr video, OpenDecoder(stream));
  CodecPtr audio;
  if (sound >= 0) {
    ICPT_ASSIGN_OR_RETURN(audio, OpenDecoder(demuxer.format->streams[sound]));
    clip.sound_rate = audio->sample_rate;
  }
  Collector collector(clip, frames_max);
  PacketPtr packet(av_packet_alloc());
  while (!collector.Full() && av_read_frame(demuxer.format, packet.get()) >= 0) {
    AVCodecContext* codec = packet->stream_index == picture ? video.get()
                            : packet->stream_index == sound ? audio.get()
                                                            : nullptr;
    if (codec != nullptr) ICPT_RETURN_IF_ERROR(collector.Take(codec, packet.get()));
    av_packet_unref(packet.get());
  }
  ICPT_RETURN_IF_ERROR(collector.Take(video.get(), nullptr));
  if (audio) ICPT_RETURN_IF_ERROR(collector.Take(audio.get(), nullptr));
  collector.Finish();
  if (clip.frames.empty()) return DataLoss("no frame could be decoded");
  return clip;
}

}  // namespace interceptor::synth
