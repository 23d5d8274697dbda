#include "worker/media/video_decoder.h"

extern "C" {
#include <libavutil/display.h>
}

#include <algorithm>
#include <cmath>
#include <optional>
#include <vector>

#include "common/base/status.h"
#include "worker/media/demuxer.h"
#include "worker/media/libav_log.h"

namespace interceptor::worker {
namespace {

constexpr int64_t kFramesMax = 200000;
constexpr int64_t kPixelsMax = int64_t{4096} * 2304;
constexpr double kPixelShapeMin = 0.25;

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

// What makes the stored picture upright: quarter turns clockwise, 0 to 3, and then the mirror.
struct Orientation {
  int quarters = 0;
  bool mirrors = false;
};

Orientation OrientationOf(const AVStream* stream) {
  const int32_t* given = DisplayMatrix(stream);
  if (given == nullptr) return {};
  int32_t matrix[9];
  std::copy_n(given, std::size(matrix), matrix);
  Orientation orientation;
  orientation.mirrors =
      static_cast<double>(matrix[0]) * matrix[4] - static_cast<double>(matrix[1]) * matrix[3] < 0;
  if (orientation.mirrors) av_display_matrix_flip(matrix, 1, 0);
  const double counter_clockwise = av_display_rotation_get(matrix);
  if (!std::isfinite(counter_clockwise)) return {};
  const auto quarters = std::lround(-counter_clockwise / 90.0);
  orientation.quarters = static_cast<int>(((quarters % 4) + 4) % 4);
  return orientation;
}

void TuneDecoder(AVCodecContext& codec) {
  codec.max_pixels = kPixelsMax;
  codec.export_side_data |= AV_CODEC_EXPORT_DATA_VIDEO_ENC_PARAMS;
  // Makes the H.264 decoder wait for the reordering that the standard allows unless the stream promises less,
  // so that no frame is lost at the start and the stream need not be probed.
  if (codec.codec_id == AV_CODEC_ID_H264) codec.strict_std_compliance = FF_COMPLIANCE_STRICT;
}

int64_t PacketTime(const AVPacket& packet) {
  return packet.pts != AV_NOPTS_VALUE ? packet.pts : packet.dts != AV_NOPTS_VALUE ? packet.dts : 0;
}

class LibavVideoDecoder final : public VideoDecoder {
 public:
  absl::Status Init(std::string_view bytes) {
    ICPT_ASSIGN_OR_RETURN(demuxer_, Demuxer::Open(bytes));
    ICPT_ASSIGN_OR_RETURN(stream_, demuxer_->SelectStream(AVMEDIA_TYPE_VIDEO));
    if (stream_ == nullptr) return DataLoss("no video stream");
    orientation_ = OrientationOf(stream_);
    const int64_t pixels = int64_t{stream_->codecpar->width} * stream_->codecpar->height;
    if (pixels > kPixelsMax) {
      return DataLoss(stream_->codecpar->width, "x", stream_->codecpar->height, " pixels are more than the ",
                      kPixelsMax, " that are decoded");
    }
    ICPT_RETURN_IF_ERROR(ReadPackets());
    ICPT_ASSIGN_OR_RETURN(codec_, OpenDecoder(*stream_, TuneDecoder));
    filter_ =
        H264PacketFilter(codec_->codec_id == AV_CODEC_ID_H264, codec_->extradata, codec_->extradata_size);
    ICPT_RETURN_IF_ERROR(ListFrames());
    return CheckLog();
  }

  const VideoInfo& info() const override { return info_; }

  absl::Status Decode(std::span<const int64_t> indices, const Sink& sink, const OnOther& on_other) override {
    if (indices.empty()) return absl::OkStatus();
    size_t next = 0;
    for (const PacketPtr& packet : packets_) {
      if (IsNonReference(*packet) && !IsWanted(indices, PacketTime(*packet))) continue;
      ICPT_RETURN_IF_ERROR(Send(packet.get()));
      ICPT_RETURN_IF_ERROR(TakeFrames(indices, next, sink, on_other));
      if (next == indices.size()) return absl::OkStatus();
    }
    ICPT_RETURN_IF_ERROR(Send(nullptr));
    ICPT_RETURN_IF_ERROR(TakeFrames(indices, next, sink, on_other));
    if (next == indices.size()) return absl::OkStatus();
    return MissingFrame(indices[next]);
  }

  int64_t NearestReference(int64_t index) const override {
    const auto after = std::ranges::lower_bound(references_, index);
    if (references_.empty()) return index;
    if (after == references_.end()) return references_.back();
    if (after == references_.begin()) return *after;
    return *after - index < index - *(after - 1) ? *after : *(after - 1);
  }

  cv::Size UprightSize(const VideoFrame& frame) const override {
    const cv::Size stored = SquareSize(*frame.picture);
    return orientation_.quarters % 2 == 0 ? stored : cv::Size(stored.height, stored.width);
  }

  std::vector<double> FrameSeconds() const override {
    std::vector<double> seconds;
    for (const int64_t time : times_) seconds.push_back(Seconds(time));
    return seconds;
  }

  cv::Size StoredSize(const VideoFrame& frame) const override {
    return {frame.picture->width, frame.picture->height};
  }

  cv::Rect StoredArea(const VideoFrame& frame, const cv::Rect& area) const override {
    return StoredArea(*frame.picture, area);
  }

  cv::Mat Upright(const cv::Mat& stored) const override {
    constexpr cv::RotateFlags kRotations[] = {cv::ROTATE_90_CLOCKWISE, cv::ROTATE_180,
                                              cv::ROTATE_90_COUNTERCLOCKWISE};
    cv::Mat turned;
    if (orientation_.quarters != 0) cv::rotate(stored, turned, kRotations[orientation_.quarters - 1]);
    const cv::Mat& upright = orientation_.quarters == 0 ? stored : turned;
    if (!orientation_.mirrors) return upright;
    cv::Mat mirrored;
    cv::flip(upright, mirrored, 1);
    return mirrored;
  }

  YuvColours Colours() const override { return colours_.value_or(YuvColours{}); }

  absl::StatusOr<YuvPicture> Yuv(const VideoFrame& frame, const cv::Rect& area, cv::Size size) override {
    const cv::Size turned = orientation_.quarters % 2 == 0 ? size : cv::Size(size.height, size.width);
    ICPT_ASSIGN_OR_RETURN(YuvPicture picture,
                          yuv_.Yuv(*frame.picture, StoredArea(*frame.picture, area), turned));
    for (cv::Mat* plane : {&picture.y, &picture.cb, &picture.cr}) *plane = Upright(*plane);
    return picture;
  }

  absl::StatusOr<cv::Mat> Shrunk(const VideoFrame& frame, int side_max, bool in_colour) override {
    FrameConverter& converter = in_colour ? bgr_ : luma_;
    const cv::Size size = ShrunkSize(frame, side_max);
    ICPT_ASSIGN_OR_RETURN(const cv::Mat stored, converter.Shrunk(*frame.picture, size, in_colour));
    return Upright(stored);
  }

 private:
  // Packets are few megabytes and are needed twice: for the list of frame times and to decode.
  absl::Status ReadPackets() {
    while (true) {
      ICPT_ASSIGN_OR_RETURN(PacketPtr packet, demuxer_->NextPacket());
      if (packet == nullptr) return absl::OkStatus();
      if (packets_.empty() && (packet->flags & AV_PKT_FLAG_KEY) == 0 && NeedsKeyframe()) {
        return DataLoss("it does not begin with a keyframe");
      }
      has_times_ = has_times_ && packet->pts != AV_NOPTS_VALUE;
      if (static_cast<int64_t>(packets_.size()) >= kFramesMax) {
        return ResourceExhausted("more than ", kFramesMax, " frames");
      }
      info_.stream_bytes += packet->size;
      packets_.push_back(std::move(packet));
    }
  }

  bool NeedsKeyframe() const {
    const AVCodecID id = stream_->codecpar->codec_id;
    return id != AV_CODEC_ID_PNG && id != AV_CODEC_ID_MJPEG;
  }

  bool IsNonReference(const AVPacket& packet) const {
    // Without times of their own frames are known by their order, so none may be left out.
    return has_times_ && filter_.IsNonReference(packet.data, packet.size);
  }

  absl::Status ListFrames() {
    for (const PacketPtr& packet : packets_) {
      // Packets outside the edit list are decoded for those that refer to them, and never shown.
      if ((packet->flags & AV_PKT_FLAG_DISCARD) == 0) times_.push_back(PacketTime(*packet));
    }
    const size_t shown = times_.size();
    std::ranges::sort(times_);
    times_.erase(std::unique(times_.begin(), times_.end()), times_.end());
    if (times_.empty()) return DataLoss("no frames");
    if (2 * times_.size() <= shown && shown > 2) {
      return DataLoss("its timestamps are damaged: ", shown, " frames at ", times_.size(), " times");
    }
    info_.frames = static_cast<int64_t>(times_.size());
    for (const PacketPtr& packet : packets_) {
      if ((packet->flags & AV_PKT_FLAG_DISCARD) != 0 || IsNonReference(*packet)) continue;
      const auto at = std::ranges::lower_bound(times_, PacketTime(*packet));
      references_.push_back(at - times_.begin());
    }
    std::ranges::sort(references_);
    info_.start_seconds = static_cast<double>(times_.front()) * av_q2d(stream_->time_base);
    if (times_.size() < 2) return absl::OkStatus();
    const double span = Seconds(times_.back());
    info_.frame_rate = static_cast<double>(times_.size() - 1) / span;
    info_.duration_seconds = span + 1.0 / info_.frame_rate;
    return absl::OkStatus();
  }

  absl::Status CheckLog() const {
    return libav_errors_.first().empty() ? absl::OkStatus() : DataLoss("damaged: ", libav_errors_.first());
  }

  double Seconds(int64_t time) const {
    return static_cast<double>(time - times_.front()) * av_q2d(stream_->time_base);
  }

  // Of the frame shown at that time; nothing where there is none, as outside the edit list.
  std::optional<int64_t> IndexAt(int64_t time) const {
    const auto at = std::ranges::lower_bound(times_, time);
    return at != times_.end() && *at == time ? std::optional(at - times_.begin()) : std::nullopt;
  }

  bool IsWanted(std::span<const int64_t> indices, int64_t time) const {
    const std::optional<int64_t> index = IndexAt(time);
    return index.has_value() && std::ranges::binary_search(indices, *index);
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

  absl::Status TakeFrames(std::span<const int64_t> indices, size_t& next, const Sink& sink,
                          const OnOther& on_other) {
    while (next < indices.size()) {
      std::shared_ptr<AVFrame> picture(av_frame_alloc(), [](AVFrame* frame) { av_frame_free(&frame); });
      const int error = avcodec_receive_frame(codec_.get(), picture.get());
      if (error == AVERROR(EAGAIN) || error == AVERROR_EOF) return absl::OkStatus();
      if (error < 0) return DataLoss("damaged: ", ErrorText(error));
      ICPT_RETURN_IF_ERROR(CheckLog());
      const int64_t time = TimeOf(*picture);
      if ((picture->flags & AV_FRAME_FLAG_CORRUPT) != 0 || picture->decode_error_flags != 0) {
        return DataLoss("damaged: the frame at ", Seconds(time), " s has errors");
      }
      const int64_t wanted = times_[static_cast<size_t>(indices[next])];
      if (time < wanted) {
        if (on_other) PassOn(std::move(picture), time, on_other);
        continue;
      }
      if (time > wanted) return MissingFrame(indices[next]);
      if (picture->width <= 0 || picture->height <= 0) return MissingFrame(indices[next]);
      if (!colours_.has_value()) colours_ = ColoursOf(*picture);
      ICPT_RETURN_IF_ERROR(sink({indices[next], Seconds(time), std::move(picture)}));
      ++next;
    }
    return absl::OkStatus();
  }

  void PassOn(std::shared_ptr<AVFrame> picture, int64_t time, const OnOther& on_other) const {
    const std::optional<int64_t> index = IndexAt(time);
    if (!index.has_value() || picture->width <= 0 || picture->height <= 0) return;
    on_other({*index, Seconds(time), std::move(picture)});
  }

  // Frames come in order of presentation; without times of their own the n-th has the n-th time.
  int64_t TimeOf(const AVFrame& picture) {
    if (has_times_)
      return picture.best_effort_timestamp == AV_NOPTS_VALUE ? 0 : picture.best_effort_timestamp;
    return times_[std::min(decoded_++, times_.size() - 1)];
  }

  // Stored as it is, but wider or narrower so that its pixels are square.
  cv::Size SquareSize(const AVFrame& picture) const {
    const AVRational pixel = av_guess_sample_aspect_ratio(demuxer_->format(), stream_, nullptr);
    const double shape = pixel.num > 0 && pixel.den > 0 ? av_q2d(pixel) : 1;
    // What no camera makes is a mistake of the file.
    if (shape < kPixelShapeMin || shape > 1 / kPixelShapeMin) return {picture.width, picture.height};
    return {std::max(1, static_cast<int>(std::lround(picture.width * shape))), picture.height};
  }

  cv::Size ShrunkSize(const VideoFrame& frame, int side_max) const {
    const cv::Size whole = SquareSize(*frame.picture);
    const double scale = std::min(1.0, static_cast<double>(side_max) / std::max(whole.width, whole.height));
    return {std::max(1, static_cast<int>(std::lround(whole.width * scale))),
            std::max(1, static_cast<int>(std::lround(whole.height * scale)))};
  }

  // The area of the stored picture that holds `area` of the upright one.
  cv::Rect StoredArea(const AVFrame& picture, const cv::Rect& area) const {
    const cv::Size whole = SquareSize(picture);
    cv::Rect turned = area;
    const int across = orientation_.quarters % 2 == 0 ? whole.width : whole.height;
    if (orientation_.mirrors) turned.x = across - area.x - area.width;
    cv::Rect square = turned;
    if (orientation_.quarters == 1)
      square = {turned.y, whole.height - turned.x - turned.width, turned.height, turned.width};
    if (orientation_.quarters == 2)
      square = {whole.width - turned.x - turned.width, whole.height - turned.y - turned.height, turned.width,
                turned.height};
    if (orientation_.quarters == 3)
      square = {whole.width - turned.y - turned.height, turned.x, turned.height, turned.width};
    const double scale = static_cast<double>(picture.width) / whole.width;
    const int left = static_cast<int>(std::lround(square.x * scale));
    const int right = static_cast<int>(std::lround((square.x + square.width) * scale));
    return cv::Rect(left, square.y, std::max(1, right - left), square.height) &
           cv::Rect(0, 0, picture.width, picture.height);
  }

  LibavErrorLog libav_errors_;
  std::unique_ptr<Demuxer> demuxer_;
  AVStream* stream_ = nullptr;
  Orientation orientation_;
  std::vector<PacketPtr> packets_;
  bool has_times_ = true;            // every packet says when it is shown
  size_t decoded_ = 0;               // frames that have been decoded
  std::vector<int64_t> times_;       // of the frames shown, ascending, in the stream's time base
  std::vector<int64_t> references_;  // indices of frames that others refer to, ascending
  VideoInfo info_;
  std::optional<YuvColours> colours_;
  CodecPtr codec_;
  H264PacketFilter filter_{false, nullptr, 0};
  FrameConverter yuv_;
  FrameConverter bgr_;
  FrameConverter luma_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<VideoDecoder>> VideoDecoder::Open(std::string_view bytes) {
  auto video = std::make_unique<LibavVideoDecoder>();
  ICPT_RETURN_IF_ERROR(video->Init(bytes));
  return video;
}

}  // namespace interceptor::worker
