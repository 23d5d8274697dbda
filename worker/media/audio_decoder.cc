#include "worker/media/audio_decoder.h"

extern "C" {
#include <libswresample/swresample.h>
}

#include <algorithm>
#include <cmath>

#include "common/base/status.h"
#include "worker/media/demuxer.h"

namespace interceptor::worker {
namespace {

class AudioBuffer {
 public:
  AudioBuffer(double start_seconds, double seconds)
      : start_(start_seconds),
        wanted_(static_cast<int64_t>(std::ceil(std::min(seconds, kAudioSecondsMax) * kAudioRate))) {}

  bool IsFull() const { return position_ >= wanted_; }

  absl::Status Add(AVFrame& frame, double seconds) {
    ICPT_RETURN_IF_ERROR(PrepareResampler(frame));
    // Up to this packet times are rounded; beyond it samples are missing or duplicated.
    constexpr int64_t kJitter = kAudioRate / 50;
    const int64_t place = std::llround((seconds - start_) * kAudioRate);
    const int64_t delay = swr_get_delay(resampler_.get(), kAudioRate);
    if (!has_started_ || std::abs(place - position_ - delay) > kJitter) position_ = place - delay;
    has_started_ = true;
    return Convert(frame.extended_data, frame.nb_samples);
  }

  absl::StatusOr<std::vector<float>> Finish() {
    if (!has_started_) return absl::NotFoundError("no sound");
    if (!IsFull()) ICPT_RETURN_IF_ERROR(Convert(nullptr, 0));
    samples_.resize(static_cast<size_t>(wanted_), 0.0f);
    return std::move(samples_);
  }

 private:
  absl::Status PrepareResampler(AVFrame& frame) {
    if (resampler_ != nullptr && frame.sample_rate == rate_ && frame.format == format_ &&
        frame.ch_layout.nb_channels == channels_) {
      return absl::OkStatus();
    }
    if (frame.sample_rate < 4000 || frame.sample_rate > 384000 || frame.ch_layout.nb_channels < 1) {
      return DataLoss("its sound has ", frame.sample_rate, " samples a second");
    }
    SwrContext* made = nullptr;
    AVChannelLayout mono = AV_CHANNEL_LAYOUT_MONO;
    const int error =
        swr_alloc_set_opts2(&made, &mono, AV_SAMPLE_FMT_FLT, kAudioRate, &frame.ch_layout,
                            static_cast<AVSampleFormat>(frame.format), frame.sample_rate, 0, nullptr);
    resampler_.reset(made);
    if (error < 0 || swr_init(made) < 0) return DataLoss("its sound cannot be converted");
    rate_ = frame.sample_rate;
    format_ = frame.format;
    channels_ = frame.ch_layout.nb_channels;
    return absl::OkStatus();
  }

  // Without input: what the resampler still holds.
  absl::Status Convert(uint8_t* const* data, int count) {
    converted_.resize(static_cast<size_t>(swr_get_out_samples(resampler_.get(), count)));
    auto* out = reinterpret_cast<uint8_t*>(converted_.data());
    const int made = swr_convert(resampler_.get(), &out, static_cast<int>(converted_.size()),
                                 const_cast<const uint8_t**>(data), count);
    if (made < 0) return DataLoss("its sound cannot be converted: ", ErrorText(made));
    for (int64_t i = 0; i < made; ++i, ++position_) {
      if (position_ < 0 || position_ >= wanted_) continue;
      if (position_ >= static_cast<int64_t>(samples_.size())) {
        samples_.resize(static_cast<size_t>(position_) + 1, 0.0f);
      }
      const float value = converted_[static_cast<size_t>(i)];
      samples_[static_cast<size_t>(position_)] = std::isfinite(value) ? std::clamp(value, -1.0f, 1.0f) : 0.0f;
    }
    return absl::OkStatus();
  }

  const double start_;
  const int64_t wanted_;
  bool has_started_ = false;
  int64_t position_ = 0;  // of the next sample
  std::vector<float> samples_;
  std::vector<float> converted_;
  CPtr<SwrContext, swr_free> resampler_;
  int rate_ = 0;
  int format_ = -1;
  int channels_ = 0;
};

absl::Status TakeFrames(AVCodecContext& codec, const AVStream& stream, AudioBuffer& buffer) {
  const FramePtr frame(av_frame_alloc());
  while (true) {
    const int error = avcodec_receive_frame(&codec, frame.get());
    if (error == AVERROR(EAGAIN) || error == AVERROR_EOF) return absl::OkStatus();
    if (error < 0) return DataLoss("its sound is damaged: ", ErrorText(error));
    if (frame->best_effort_timestamp == AV_NOPTS_VALUE) continue;
    const double seconds = static_cast<double>(frame->best_effort_timestamp) * av_q2d(stream.time_base);
    ICPT_RETURN_IF_ERROR(buffer.Add(*frame, seconds));
  }
}

}  // namespace

absl::StatusOr<std::vector<float>> DecodeAudio(std::string_view bytes, double start_seconds, double seconds) {
  ICPT_ASSIGN_OR_RETURN(const auto demuxer, Demuxer::Open(bytes));
  ICPT_ASSIGN_OR_RETURN(const AVStream* stream, demuxer->SelectStream(AVMEDIA_TYPE_AUDIO));
  if (stream == nullptr) return absl::NotFoundError("no sound");
  ICPT_ASSIGN_OR_RETURN(const CodecPtr codec, OpenDecoder(*stream, [](AVCodecContext&) {}));
  AudioBuffer buffer(start_seconds, seconds);
  while (!buffer.IsFull()) {
    ICPT_ASSIGN_OR_RETURN(const PacketPtr packet, demuxer->NextPacket());
    if (const int error = avcodec_send_packet(codec.get(), packet.get()); error < 0) {
      return DataLoss("its sound is damaged: ", ErrorText(error));
    }
    ICPT_RETURN_IF_ERROR(TakeFrames(*codec, *stream, buffer));
    if (packet == nullptr) break;
  }
  return buffer.Finish();
}

}  // namespace interceptor::worker
