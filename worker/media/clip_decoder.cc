#include "worker/media/clip_decoder.h"

#include <algorithm>
#include <new>
#include <opencv2/core.hpp>

#include "common/base/status.h"
#include "worker/media/audio_decoder.h"
#include "worker/media/frame_selection.h"
#include "worker/media/log_mel.h"
#include "worker/media/luma_thumbnails.h"
#include "worker/media/video_decoder.h"
#include "worker/media/view_extractor.h"
#include "worker/store/sample_views.h"

namespace interceptor::worker {
namespace {

struct AudioFeatures {
  std::vector<float> log_mel;  // of the whole clip, of one mouth window at least
  int64_t columns = 0;         // of them before the clip's end
  bool is_present = false;
  bool is_damaged = false;
};

absl::StatusOr<AudioFeatures> DecodeAudioFeatures(std::string_view bytes, const VideoInfo& info) {
  const auto samples = DecodeAudio(bytes, info.start_seconds, info.duration_seconds);
  // A clip whose sound cannot be decoded is kept for its pictures.
  if (absl::IsNotFound(samples.status()) || absl::IsDataLoss(samples.status())) {
    return AudioFeatures{.log_mel = {}, .is_damaged = absl::IsDataLoss(samples.status())};
  }
  ICPT_RETURN_IF_ERROR(samples.status());
  const auto columns = static_cast<int64_t>(samples->size()) / kMelHop;
  return AudioFeatures{.log_mel = LogMel(*samples, std::max<int64_t>(columns, kMelColumns)),
                       .columns = columns,
                       .is_present = true};
}

FrameSelection SelectFrames(const VideoDecoder& video, const DecodeJob& job, const AudioFeatures& audio) {
  const int64_t frames = video.info().frames;
  FrameSelection selection;
  selection.samples = EvenlySpacedReferences(
      frames, job.frames, [&video](int64_t frame) { return video.NearestReference(frame); });
  for (const int64_t at : EvenlySpaced(static_cast<int64_t>(selection.samples.size()), kFullFramesMax)) {
    selection.full_frames.push_back(selection.samples[static_cast<size_t>(at)]);
  }
  const std::vector<double> seconds = video.FrameSeconds();
  selection.after_gaps = FramesAfterGaps(seconds);
  if (job.Wants(View::kBurst)) selection.bursts = PlaceBursts(seconds, job.whole_clip ? frames : kBursts);
  if (job.Wants(View::kMouthTrack) && audio.is_present) {
    std::vector<double> level = SpeechLevel(audio.log_mel);
    level.resize(static_cast<size_t>(audio.columns));
    selection.mouth_windows =
        job.whole_clip ? ConsecutiveMouthWindows(audio.columns, seconds) : PlaceMouthWindows(level, seconds);
  }
  return selection;
}

// Adds "mouth_seconds" (the start of each window, of the sound and of the mouth alike) and "mouth_frames"
// (how many of its frames lie before the clip's end).
void AddLogMel(const AudioFeatures& audio, const FrameSelection& selection, DecodedClip& clip) {
  clip.attributes["has_sound"] = audio.is_present ? 1 : 0;
  clip.attributes["sound_damaged"] = audio.is_damaged ? 1 : 0;
  if (selection.mouth_windows.empty()) return;
  std::string bytes;
  for (const MouthWindow& window : selection.mouth_windows) {
    const float* begin = audio.log_mel.data() + window.first_column * kMelBands;
    bytes.append(reinterpret_cast<const char*>(begin), sizeof(float) * kMelColumns * kMelBands);
    clip.series["mouth_frames"].push_back(static_cast<double>(window.frames.size()));
    clip.series["mouth_seconds"].push_back(static_cast<double>(window.first_column) * kMelHop / kAudioRate);
  }
  const auto windows = static_cast<int64_t>(selection.mouth_windows.size());
  clip.views.push_back({View::kLogMel, {windows, kMelColumns, kMelBands}, std::move(bytes)});
}

}  // namespace

absl::StatusOr<DecodedClip> DecodeClip(std::string_view bytes, const DecodeJob& job, FaceDetector& detector) {
  try {
    ICPT_ASSIGN_OR_RETURN(const auto video, VideoDecoder::Open(bytes));
    AudioFeatures audio;
    if (job.Wants(View::kMouthTrack)) {
      ICPT_ASSIGN_OR_RETURN(audio, DecodeAudioFeatures(bytes, video->info()));
    }
    const FrameSelection selection = SelectFrames(*video, job, audio);
    ViewExtractor extractor(*video, selection, job, detector);
    ThumbnailCollector collector(video->info().frames, selection, job);
    ICPT_RETURN_IF_ERROR(video->Decode(
        selection.Frames(),
        [&](const VideoFrame& frame) -> absl::Status {
          ICPT_ASSIGN_OR_RETURN(const LumaThumbnail thumbnail, MakeLumaThumbnail(*video, frame));
          collector.Add(frame.index, thumbnail);
          return extractor.Add(frame, thumbnail);
        },
        [&](const VideoFrame& frame) {
          if (!collector.Wants(frame.index)) return;
          if (const auto thumbnail = MakeLumaThumbnail(*video, frame); thumbnail.ok())
            collector.Add(frame.index, *thumbnail);
        }));
    ICPT_ASSIGN_OR_RETURN(DecodedClip clip, extractor.Finish());
    clip.thumbnails = collector.Take();
    if (job.Wants(View::kMouthTrack)) AddLogMel(audio, selection, clip);
    std::ranges::sort(clip.views, {}, &DecodedView::view);
    return clip;
  } catch (const std::bad_alloc&) {
    return ResourceExhausted("it needs more memory than a decoder may use");
  } catch (const cv::Exception& exception) {
    // OpenCV reports failed allocations as its own exception.
    if (exception.code == cv::Error::StsNoMem) {
      return ResourceExhausted("it needs more memory than a decoder may use");
    }
    return DataLoss("its pictures cannot be processed: ", exception.err);
  }
}

}  // namespace interceptor::worker
