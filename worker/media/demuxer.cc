#include "worker/media/demuxer.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <vector>

#include "common/base/status.h"
#include "worker/media/container_check.h"

namespace interceptor::worker {
namespace {

constexpr int kBufferBytes = 64 << 10;
constexpr int kStreamsMax = 32;
constexpr size_t kProbedBytes = 64 << 10;
constexpr char kFormats[] = "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,jpeg_pipe,png_pipe";
// Names of decoders.
constexpr char kCodecs[] =
    "h264,hevc,mpeg4,vp8,vp9,mjpeg,png,aac,mp3,mp3float,opus,vorbis,flac,ac3,pcm_s16le,pcm_s16be";

// `list` is separated by commas.
bool IsListed(std::string_view name, std::string_view list) {
  return Cat(",", list, ",").find(Cat(",", name, ",")) != std::string::npos;
}

// Why a file could not be opened.
absl::Status OpenError(std::string_view bytes, int error) {
  ICPT_RETURN_IF_ERROR(CheckIsWhole(bytes));
  if (error == AVERROR(ENOMEM)) {
    return DataLoss("it needs more memory than there is, or has more than ", kStreamsMax, " tracks");
  }
  std::string head(bytes.substr(0, kProbedBytes));
  const auto size = static_cast<int>(head.size());
  head.append(AVPROBE_PADDING_SIZE, '\0');
  AVProbeData probe{};
  probe.buf = reinterpret_cast<unsigned char*>(head.data());
  probe.buf_size = size;
  const AVInputFormat* format = av_probe_input_format(&probe, 1);
  // A format of several names is listed by each of them.
  const std::string_view names = format == nullptr ? "" : format->name;
  if (!names.empty() && !IsListed(names.substr(0, names.find(',')), kFormats)) {
    return DataLoss("its container format ", names, " is not supported");
  }
  return DataLoss("not a video that can be read: ", ErrorText(error));
}

bool IsCandidate(const AVStream& stream, AVMediaType kind) {
  return stream.codecpar->codec_type == kind && (stream.disposition & AV_DISPOSITION_ATTACHED_PIC) == 0;
}

// Of each stream of that kind, as far as the file can be read. A demuxer without probing knows the number
// only for some formats.
absl::StatusOr<std::vector<int64_t>> CountPackets(std::string_view bytes, AVMediaType kind) {
  constexpr int kCountedMax = 200000;
  ICPT_ASSIGN_OR_RETURN(const auto demuxer, Demuxer::Open(bytes));
  AVFormatContext* format = demuxer->format();
  for (unsigned i = 0; i < format->nb_streams; ++i) {
    if (!IsCandidate(*format->streams[i], kind)) format->streams[i]->discard = AVDISCARD_ALL;
  }
  std::vector<int64_t> counts(kStreamsMax, 0);
  const PacketPtr packet(av_packet_alloc());
  for (int i = 0; i < kCountedMax && av_read_frame(format, packet.get()) >= 0; ++i) {
    ++counts[static_cast<size_t>(packet->stream_index)];
    av_packet_unref(packet.get());
  }
  return counts;
}

// Greater is better.
std::array<int64_t, 5> Rank(const AVStream& stream, int64_t packets) {
  const AVCodecParameters& codec = *stream.codecpar;
  const AVCodec* decoder = avcodec_find_decoder(codec.codec_id);
  const bool is_decodable = decoder != nullptr && IsListed(decoder->name, kCodecs);
  const bool is_default = (stream.disposition & AV_DISPOSITION_DEFAULT) != 0;
  const bool is_for_impaired =
      (stream.disposition & (AV_DISPOSITION_HEARING_IMPAIRED | AV_DISPOSITION_VISUAL_IMPAIRED)) != 0;
  return {std::min<int64_t>(packets, 2), is_decodable, is_default + !is_for_impaired,
          int64_t{codec.width} * codec.height + codec.ch_layout.nb_channels, packets};
}

}  // namespace

std::string ErrorText(int error) {
  char text[AV_ERROR_MAX_STRING_SIZE] = {};
  av_strerror(error, text, sizeof(text));
  return text;
}

int Demuxer::Read(void* self, uint8_t* buffer, int size) {
  auto* demuxer = static_cast<Demuxer*>(self);
  const int64_t left = static_cast<int64_t>(demuxer->bytes_.size()) - demuxer->position_;
  if (left <= 0) return AVERROR_EOF;
  const int count = static_cast<int>(std::min<int64_t>(left, size));
  std::memcpy(buffer, demuxer->bytes_.data() + demuxer->position_, static_cast<size_t>(count));
  demuxer->position_ += count;
  return count;
}

int64_t Demuxer::Seek(void* self, int64_t offset, int whence) {
  auto* demuxer = static_cast<Demuxer*>(self);
  const auto size = static_cast<int64_t>(demuxer->bytes_.size());
  whence &= ~AVSEEK_FORCE;
  if (whence == AVSEEK_SIZE) return size;
  if (whence == SEEK_CUR) offset += demuxer->position_;
  if (whence == SEEK_END) offset += size;
  if (whence != SEEK_SET && whence != SEEK_CUR && whence != SEEK_END) return AVERROR(EINVAL);
  if (offset < 0 || offset > size) return AVERROR(EINVAL);
  demuxer->position_ = offset;
  return offset;
}

absl::StatusOr<std::unique_ptr<Demuxer>> Demuxer::Open(std::string_view bytes) {
  std::unique_ptr<Demuxer> demuxer(new Demuxer(bytes));
  AVFormatContext* format = avformat_alloc_context();
  if (format == nullptr) return ResourceExhausted("no memory for a demuxer");
  auto* buffer = static_cast<uint8_t*>(av_malloc(kBufferBytes));
  AVIOContext* io = avio_alloc_context(buffer, kBufferBytes, 0, demuxer.get(), Read, nullptr, Seek);
  format->pb = io;
  format->flags |= AVFMT_FLAG_CUSTOM_IO;
  format->max_streams = kStreamsMax;
  AVDictionary* options = nullptr;
  av_dict_set(&options, "protocol_whitelist", "", 0);
  av_dict_set(&options, "format_whitelist", kFormats, 0);
  av_dict_set(&options, "codec_whitelist", kCodecs, 0);
  // A failed open frees the format but not the input that was given to it.
  const int error = avformat_open_input(&format, nullptr, nullptr, &options);
  av_dict_free(&options);
  if (error < 0) {
    av_freep(&io->buffer);
    avio_context_free(&io);
    return OpenError(bytes, error);
  }
  demuxer->format_ = format;
  ICPT_RETURN_IF_ERROR(CheckIsWhole(bytes));
  return demuxer;
}

Demuxer::~Demuxer() {
  if (format_ == nullptr) return;
  AVIOContext* io = format_->pb;
  avformat_close_input(&format_);
  if (io == nullptr) return;
  av_freep(&io->buffer);
  avio_context_free(&io);
}

absl::StatusOr<AVStream*> Demuxer::SelectStream(AVMediaType kind) {
  std::vector<AVStream*> candidates;
  for (unsigned i = 0; i < format_->nb_streams; ++i) {
    if (IsCandidate(*format_->streams[i], kind)) candidates.push_back(format_->streams[i]);
  }
  AVStream* chosen = candidates.empty() ? nullptr : candidates.front();
  if (candidates.size() > 1) {
    ICPT_ASSIGN_OR_RETURN(const std::vector<int64_t> packets, CountPackets(bytes_, kind));
    const auto rank = [&](const AVStream* stream) {
      return Rank(*stream, packets[static_cast<size_t>(stream->index)]);
    };
    chosen = *std::ranges::max_element(candidates, {}, rank);
  }
  for (unsigned i = 0; i < format_->nb_streams; ++i) {
    if (format_->streams[i] != chosen) format_->streams[i]->discard = AVDISCARD_ALL;
  }
  stream_ = chosen;
  return chosen;
}

absl::StatusOr<PacketPtr> Demuxer::NextPacket() {
  while (true) {
    PacketPtr packet(av_packet_alloc());
    const int error = av_read_frame(format_, packet.get());
    if (error == AVERROR_EOF) break;
    if (error < 0) return DataLoss("cut short or damaged: ", ErrorText(error));
    if (packet->stream_index != stream_->index) continue;
    if ((packet->flags & AV_PKT_FLAG_CORRUPT) != 0) return DataLoss("cut short: a packet is not whole");
    if (av_packet_get_side_data(packet.get(), AV_PKT_DATA_ENCRYPTION_INFO, nullptr) != nullptr) {
      return DataLoss("it is encrypted");
    }
    return packet;
  }
  if (format_->pb->error < 0) return DataLoss("cut short or damaged: ", ErrorText(format_->pb->error));
  return PacketPtr();
}

absl::StatusOr<CodecPtr> OpenDecoder(const AVStream& stream, void (*tune)(AVCodecContext& codec)) {
  const AVCodec* decoder = avcodec_find_decoder(stream.codecpar->codec_id);
  if (decoder == nullptr) {
    return DataLoss("no decoder for its codec ", avcodec_get_name(stream.codecpar->codec_id));
  }
  if (!IsListed(decoder->name, kCodecs)) {
    return DataLoss("its codec ", avcodec_get_name(stream.codecpar->codec_id), " is not supported");
  }
  CodecPtr codec(avcodec_alloc_context3(decoder));
  if (codec == nullptr) return ResourceExhausted("no memory for a decoder");
  if (avcodec_parameters_to_context(codec.get(), stream.codecpar) < 0) return DataLoss("damaged codec data");
  codec->pkt_timebase = stream.time_base;
  codec->thread_count = 1;
  codec->thread_type = 0;
  tune(*codec);
  AVDictionary* options = nullptr;
  av_dict_set(&options, "codec_whitelist", kCodecs, 0);
  const int error = avcodec_open2(codec.get(), decoder, &options);
  av_dict_free(&options);
  if (error < 0) return DataLoss("its ", decoder->name, " stream cannot be decoded: ", ErrorText(error));
  return codec;
}

H264PacketFilter::H264PacketFilter(bool is_h264, const uint8_t* extradata, int extradata_bytes) {
  // ISO/IEC 14496-15, 5.2.4.1: version 1; the fifth byte's low two bits are the size's bytes less one.
  constexpr int kShortestBox = 7;
  if (is_h264 && extradata != nullptr && extradata_bytes >= kShortestBox && extradata[0] == 1) {
    length_bytes_ = (extradata[4] & 3) + 1;
  }
}

bool H264PacketFilter::IsNonReference(const uint8_t* packet, int packet_bytes) const {
  constexpr int kFirstSliceType = 1;
  constexpr int kLastSliceType = 5;
  if (length_bytes_ == 0) return false;
  bool has_slice = false;
  for (int64_t at = 0; at < packet_bytes;) {
    if (at + length_bytes_ >= packet_bytes) return false;
    int64_t size = 0;
    for (int i = 0; i < length_bytes_; ++i) size = size << 8 | packet[at + i];
    at += length_bytes_;
    if (size <= 0 || size > packet_bytes - at) return false;
    const int type = packet[at] & 0x1f;
    const int referred = packet[at] >> 5 & 3;
    if (type >= kFirstSliceType && type <= kLastSliceType) {
      if (referred != 0) return false;
      has_slice = true;
    }
    at += size;
  }
  return has_slice;
}

}  // namespace interceptor::worker
