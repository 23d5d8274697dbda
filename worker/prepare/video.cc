#include "worker/prepare/video.h"

extern "C" {
#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libavutil/display.h>
}

#include <algorithm>
#include <cmath>
#include <cstring>
#include <vector>

#include "common/base/status.h"
#include "worker/prepare/h264_skip.h"

namespace interceptor::worker {
namespace {

constexpr int kInputBufferBytes = 64 << 10;
constexpr int kStreamsMax = 32;
constexpr int64_t kFramesMax = 200000;
constexpr int64_t kPixelsMax = int64_t{4096} * 2304;
constexpr double kPixelShapeMin = 0.25;
constexpr char kFormats[] = "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,jpeg_pipe,png_pipe";
constexpr char kCodecs[] = "h264,hevc,mpeg4,vp8,vp9,mjpeg,png";

struct MemoryInput {
  std::string_view bytes;
  int64_t position = 0;

  static int Read(void* opaque, uint8_t* buffer, int size) {
    auto* input = static_cast<MemoryInput*>(opaque);
    const int64_t left = static_cast<int64_t>(input->bytes.size()) - input->position;
    if (left <= 0) return AVERROR_EOF;
    const int count = static_cast<int>(std::min<int64_t>(left, size));
    std::memcpy(buffer, input->bytes.data() + input->position, static_cast<size_t>(count));
    input->position += count;
    return count;
  }

  static int64_t Seek(void* opaque, int64_t offset, int whence) {
    auto* input = static_cast<MemoryInput*>(opaque);
    const auto size = static_cast<int64_t>(input->bytes.size());
    switch (whence & ~AVSEEK_FORCE) {
      case AVSEEK_SIZE:
        return size;
      case SEEK_SET:
        break;
      case SEEK_CUR:
        offset += input->position;
        break;
      case SEEK_END:
        offset += size;
        break;
      default:
        return AVERROR(EINVAL);
    }
    if (offset < 0 || offset > size) return AVERROR(EINVAL);
    input->position = offset;
    return offset;
  }
};

struct FreeFormat {
  void operator()(AVFormatContext* format) const {
    AVIOContext* io = format->pb;
    avformat_close_input(&format);
    if (io != nullptr) {
      av_freep(&io->buffer);
      avio_context_free(&io);
    }
  }
};
struct FreeCodec {
  void operator()(AVCodecContext* codec) const { avcodec_free_context(&codec); }
};
struct FreePacket {
  void operator()(AVPacket* packet) const { av_packet_free(&packet); }
};
using FormatPtr = std::unique_ptr<AVFormatContext, FreeFormat>;
using CodecPtr = std::unique_ptr<AVCodecContext, FreeCodec>;
using PacketPtr = std::unique_ptr<AVPacket, FreePacket>;

std::string ErrorText(int error) {
  char text[AV_ERROR_MAX_STRING_SIZE] = {};
  av_strerror(error, text, sizeof(text));
  return text;
}

absl::StatusOr<FormatPtr> OpenFormat(MemoryInput* input) {
  AVFormatContext* format = avformat_alloc_context();
  if (format == nullptr) return ResourceExhausted("no memory for a demuxer");
  auto* buffer = static_cast<uint8_t*>(av_malloc(kInputBufferBytes));
  AVIOContext* io =
      avio_alloc_context(buffer, kInputBufferBytes, 0, input, MemoryInput::Read, nullptr, MemoryInput::Seek);
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
    return DataLoss("not a video that can be read: ", ErrorText(error));
  }
  return FormatPtr(format);
}

const int32_t* DisplayMatrix(const AVStream* stream) {
#if LIBAVFORMAT_VERSION_MAJOR >= 61
  const AVPacketSideData* side = av_packet_side_data_get(
      stream->codecpar->coded_side_data, stream->codecpar->nb_coded_side_data, AV_PKT_DATA_DISPLAYMATRIX);
  return side == nullptr || side->size < 9 * sizeof(int32_t) ? nullptr
                                                             : reinterpret_cast<const int32_t*>(side->data);
#else
  size_t size = 0;
  const uint8_t* side = av_stream_get_side_data(stream, AV_PKT_DATA_DISPLAYMATRIX, &size);
  return side == nullptr || size < 9 * sizeof(int32_t) ? nullptr : reinterpret_cast<const int32_t*>(side);
#endif
}

// Quarter turns clockwise, 0 to 3, that make the stored picture upright.
int QuarterTurns(const AVStream* stream) {
  const int32_t* matrix = DisplayMatrix(stream);
  if (matrix == nullptr) return 0;
  const double counter_clockwise = av_display_rotation_get(matrix);
  if (!std::isfinite(counter_clockwise)) return 0;
  const auto turns = std::lround(-counter_clockwise / 90.0);
  return static_cast<int>(((turns % 4) + 4) % 4);
}

AVStream* PictureStream(AVFormatContext* format) {
  AVStream* chosen = nullptr;
  for (unsigned i = 0; i < format->nb_streams; ++i) {
    AVStream* stream = format->streams[i];
    const bool is_picture = stream->codecpar->codec_type == AVMEDIA_TYPE_VIDEO &&
                            (stream->disposition & AV_DISPOSITION_ATTACHED_PIC) == 0;
    if (is_picture && chosen == nullptr) {
      chosen = stream;
    } else {
      stream->discard = AVDISCARD_ALL;
    }
  }
  return chosen;
}

int64_t PacketTime(const AVPacket& packet) {
  return packet.pts != AV_NOPTS_VALUE ? packet.pts : packet.dts != AV_NOPTS_VALUE ? packet.dts : 0;
}

class MemoryVideo final : public Video {
 public:
  absl::Status Init(std::string_view bytes) {
    av_log_set_level(AV_LOG_QUIET);
    input_.bytes = bytes;
    ICPT_ASSIGN_OR_RETURN(format_, OpenFormat(&input_));
    stream_ = PictureStream(format_.get());
    if (stream_ == nullptr) return DataLoss("no video stream");
    turns_ = QuarterTurns(stream_);
    ICPT_RETURN_IF_ERROR(ReadPackets());
    ICPT_RETURN_IF_ERROR(OpenCodec());
    ListFrames();
    if (times_.empty()) return DataLoss("no frames");
    return absl::OkStatus();
  }

  const VideoFacts& facts() const override { return facts_; }

  absl::Status Decode(std::span<const int64_t> indices, const Sink& sink) override {
    if (indices.empty()) return absl::OkStatus();
    size_t next = 0;
    for (const PacketPtr& packet : packets_) {
      if (IsNeverReferred(*packet) && !IsWanted(indices, PacketTime(*packet))) continue;
      ICPT_RETURN_IF_ERROR(Send(packet.get()));
      ICPT_RETURN_IF_ERROR(TakeFrames(indices, next, sink));
      if (next == indices.size()) return absl::OkStatus();
    }
    ICPT_RETURN_IF_ERROR(Send(nullptr));
    ICPT_RETURN_IF_ERROR(TakeFrames(indices, next, sink));
    if (next == indices.size()) return absl::OkStatus();
    return MissingFrame(indices[next]);
  }

  int64_t NearestReference(int64_t index) const override {
    const auto after = std::lower_bound(references_.begin(), references_.end(), index);
    if (references_.empty()) return index;
    if (after == references_.end()) return references_.back();
    if (after == references_.begin()) return *after;
    return *after - index < index - *(after - 1) ? *after : *(after - 1);
  }

  cv::Size UprightSize(const VideoFrame& frame) const override {
    const cv::Size stored = SquareSize(*frame.picture);
    return turns_ % 2 == 0 ? stored : cv::Size(stored.height, stored.width);
  }

  YuvColours Colours(const VideoFrame& frame) const override { return ColoursOf(*frame.picture); }

  absl::StatusOr<YuvPicture> Yuv(const VideoFrame& frame, const cv::Rect& area, cv::Size size) override {
    const cv::Size turned = turns_ % 2 == 0 ? size : cv::Size(size.height, size.width);
    ICPT_ASSIGN_OR_RETURN(YuvPicture picture,
                          yuv_.Yuv(*frame.picture, StoredArea(*frame.picture, area), turned));
    for (cv::Mat* plane : {&picture.y, &picture.cb, &picture.cr}) *plane = Upright(*plane);
    return picture;
  }

  absl::StatusOr<cv::Mat> Luma(const VideoFrame& frame, int side_max) override {
    const cv::Size whole = SquareSize(*frame.picture);
    const double scale = std::min(1.0, static_cast<double>(side_max) / std::max(whole.width, whole.height));
    const cv::Size size(std::max(1, static_cast<int>(std::lround(whole.width * scale))),
                        std::max(1, static_cast<int>(std::lround(whole.height * scale))));
    ICPT_ASSIGN_OR_RETURN(const cv::Mat stored, luma_.Luma(*frame.picture, size));
    return Upright(stored);
  }

 private:
  // Packets are few megabytes and are needed twice: for the list of frame times and to decode.
  absl::Status ReadPackets() {
    while (true) {
      PacketPtr packet(av_packet_alloc());
      const int error = av_read_frame(format_.get(), packet.get());
      if (error == AVERROR_EOF) break;
      if (error < 0) return DataLoss("cut short or damaged: ", ErrorText(error));
      if (packet->stream_index != stream_->index) continue;
      if ((packet->flags & AV_PKT_FLAG_CORRUPT) != 0) return DataLoss("cut short: a packet is not whole");
      if (static_cast<int64_t>(packets_.size()) >= kFramesMax) {
        return ResourceExhausted("more than ", kFramesMax, " frames");
      }
      facts_.stream_bytes += packet->size;
      packets_.push_back(std::move(packet));
    }
    if (format_->pb->error < 0) return DataLoss("cut short or damaged: ", ErrorText(format_->pb->error));
    return absl::OkStatus();
  }

  bool IsNeverReferred(const AVPacket& packet) const {
    return filter_.IsNeverReferred(packet.data, packet.size);
  }

  void ListFrames() {
    for (const PacketPtr& packet : packets_) {
      // Packets outside the edit list are decoded for those that refer to them, and never shown.
      if ((packet->flags & AV_PKT_FLAG_DISCARD) == 0) times_.push_back(PacketTime(*packet));
    }
    std::sort(times_.begin(), times_.end());
    times_.erase(std::unique(times_.begin(), times_.end()), times_.end());
    facts_.frames = static_cast<int64_t>(times_.size());
    for (const PacketPtr& packet : packets_) {
      if ((packet->flags & AV_PKT_FLAG_DISCARD) != 0 || IsNeverReferred(*packet)) continue;
      const auto at = std::lower_bound(times_.begin(), times_.end(), PacketTime(*packet));
      references_.push_back(at - times_.begin());
    }
    std::sort(references_.begin(), references_.end());
    if (times_.size() < 2) return;
    const double span = Seconds(times_.back());
    if (span <= 0) return;
    facts_.frame_rate = static_cast<double>(times_.size() - 1) / span;
    facts_.duration_seconds = span + 1.0 / facts_.frame_rate;
  }

  absl::Status OpenCodec() {
    const AVCodec* decoder = avcodec_find_decoder(stream_->codecpar->codec_id);
    if (decoder == nullptr) {
      return DataLoss("no decoder for its codec ", avcodec_get_name(stream_->codecpar->codec_id));
    }
    codec_.reset(avcodec_alloc_context3(decoder));
    if (codec_ == nullptr) return ResourceExhausted("no memory for a decoder");
    if (avcodec_parameters_to_context(codec_.get(), stream_->codecpar) < 0)
      return DataLoss("damaged codec data");
    codec_->pkt_timebase = stream_->time_base;
    codec_->thread_count = 1;
    codec_->thread_type = 0;
    codec_->max_pixels = kPixelsMax;
    // Makes the H.264 decoder wait for the reordering that the standard allows unless the stream promises
    // less, so that no frame is lost at the start and the stream need not be probed.
    if (codec_->codec_id == AV_CODEC_ID_H264) codec_->strict_std_compliance = FF_COMPLIANCE_STRICT;
    AVDictionary* options = nullptr;
    av_dict_set(&options, "codec_whitelist", kCodecs, 0);
    const int error = avcodec_open2(codec_.get(), decoder, &options);
    av_dict_free(&options);
    if (error < 0) return DataLoss("its ", decoder->name, " stream cannot be decoded: ", ErrorText(error));
    filter_ =
        H264PacketFilter(codec_->codec_id == AV_CODEC_ID_H264, codec_->extradata, codec_->extradata_size);
    return absl::OkStatus();
  }

  double Seconds(int64_t time) const {
    return static_cast<double>(time - times_.front()) * av_q2d(stream_->time_base);
  }

  bool IsWanted(std::span<const int64_t> indices, int64_t time) const {
    const auto at = std::lower_bound(times_.begin(), times_.end(), time);
    return at != times_.end() && *at == time &&
           std::binary_search(indices.begin(), indices.end(), int64_t{at - times_.begin()});
  }

  absl::Status MissingFrame(int64_t index) const {
    return DataLoss("damaged: the frame at ", Seconds(times_[static_cast<size_t>(index)]),
                    " s cannot be decoded");
  }

  absl::Status Send(const AVPacket* packet) {
    const int error = avcodec_send_packet(codec_.get(), packet);
    if (error >= 0) return absl::OkStatus();
    if (packet == nullptr) return DataLoss("damaged: ", ErrorText(error));
    return DataLoss("damaged at ", Seconds(PacketTime(*packet)), " s: ", ErrorText(error));
  }

  absl::Status TakeFrames(std::span<const int64_t> indices, size_t& next, const Sink& sink) {
    while (next < indices.size()) {
      std::shared_ptr<AVFrame> picture(av_frame_alloc(), [](AVFrame* frame) { av_frame_free(&frame); });
      const int error = avcodec_receive_frame(codec_.get(), picture.get());
      if (error == AVERROR(EAGAIN) || error == AVERROR_EOF) return absl::OkStatus();
      if (error < 0) return DataLoss("damaged: ", ErrorText(error));
      const int64_t time =
          picture->best_effort_timestamp == AV_NOPTS_VALUE ? 0 : picture->best_effort_timestamp;
      if ((picture->flags & AV_FRAME_FLAG_CORRUPT) != 0 || picture->decode_error_flags != 0) {
        return DataLoss("damaged: the frame at ", Seconds(time), " s has errors");
      }
      const int64_t wanted = times_[static_cast<size_t>(indices[next])];
      if (time < wanted) continue;
      if (time > wanted) return MissingFrame(indices[next]);
      if (picture->width <= 0 || picture->height <= 0) return MissingFrame(indices[next]);
      ICPT_RETURN_IF_ERROR(sink({indices[next], Seconds(time), std::move(picture)}));
      ++next;
    }
    return absl::OkStatus();
  }

  // Stored as it is, but wider or narrower so that its pixels are square.
  cv::Size SquareSize(const AVFrame& picture) const {
    const AVRational pixel = av_guess_sample_aspect_ratio(format_.get(), stream_, nullptr);
    const double shape = pixel.num > 0 && pixel.den > 0 ? av_q2d(pixel) : 1;
    // What no camera makes is a mistake of the file.
    if (shape < kPixelShapeMin || shape > 1 / kPixelShapeMin) return {picture.width, picture.height};
    return {std::max(1, static_cast<int>(std::lround(picture.width * shape))), picture.height};
  }

  // The area of the stored picture that holds `area` of the upright one.
  cv::Rect StoredArea(const AVFrame& picture, const cv::Rect& area) const {
    const cv::Size whole = SquareSize(picture);
    cv::Rect square = area;
    if (turns_ == 1) square = {area.y, whole.height - area.x - area.width, area.height, area.width};
    if (turns_ == 2)
      square = {whole.width - area.x - area.width, whole.height - area.y - area.height, area.width,
                area.height};
    if (turns_ == 3) square = {whole.width - area.y - area.height, area.x, area.height, area.width};
    const double scale = static_cast<double>(picture.width) / whole.width;
    const int left = static_cast<int>(std::lround(square.x * scale));
    const int right = static_cast<int>(std::lround((square.x + square.width) * scale));
    return cv::Rect(left, square.y, std::max(1, right - left), square.height) &
           cv::Rect(0, 0, picture.width, picture.height);
  }

  cv::Mat Upright(const cv::Mat& stored) const {
    constexpr cv::RotateFlags kTurns[] = {cv::ROTATE_90_CLOCKWISE, cv::ROTATE_180,
                                          cv::ROTATE_90_COUNTERCLOCKWISE};
    if (turns_ == 0) return stored;
    cv::Mat upright;
    cv::rotate(stored, upright, kTurns[turns_ - 1]);
    return upright;
  }

  MemoryInput input_;
  FormatPtr format_;
  AVStream* stream_ = nullptr;
  int turns_ = 0;
  std::vector<PacketPtr> packets_;
  std::vector<int64_t> times_;       // of the frames shown, ascending, in the stream's time base
  std::vector<int64_t> references_;  // indices of frames that others refer to, ascending
  VideoFacts facts_;
  CodecPtr codec_;
  H264PacketFilter filter_{false, nullptr, 0};
  PictureConverter yuv_;
  PictureConverter luma_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Video>> Video::Open(std::string_view bytes) {
  auto video = std::make_unique<MemoryVideo>();
  ICPT_RETURN_IF_ERROR(video->Init(bytes));
  return video;
}

}  // namespace interceptor::worker
