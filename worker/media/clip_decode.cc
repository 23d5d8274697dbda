#include "worker/media/clip_decode.h"

#include <algorithm>
#include <new>
#include <opencv2/core.hpp>

#include "common/base/status.h"
#include "worker/media/log_mel.h"
#include "worker/media/schedule.h"
#include "worker/media/sketch_book.h"
#include "worker/media/sound.h"
#include "worker/media/video.h"
#include "worker/media/view_cutter.h"

namespace interceptor::worker {
namespace {

struct HeardSound {
  std::vector<float> log_mel;  // of the whole clip, of one mouth window at least
  int64_t columns = 0;         // of them before the clip's end
  bool heard = false;
  bool damaged = false;
};

absl::StatusOr<HeardSound> Listen(std::string_view bytes, const VideoFacts& facts) {
  const auto sound = DecodeSound(bytes, facts.start_seconds, facts.duration_seconds);
  // Without sound that can be decoded there is no evidence in it, and the pictures are as good as any.
  if (absl::IsNotFound(sound.status()) || absl::IsDataLoss(sound.status())) {
    return HeardSound{.log_mel = {}, .damaged = absl::IsDataLoss(sound.status())};
  }
  ICPT_RETURN_IF_ERROR(sound.status());
  const auto columns = static_cast<int64_t>(sound->size()) / kMelHop;
  return HeardSound{
      .log_mel = LogMel(*sound, std::max<int64_t>(columns, kMelColumns)), .columns = columns, .heard = true};
}

Schedule MakeSchedule(const Video& video, const DecodeJob& job, const HeardSound& sound) {
  const int64_t frames = video.facts().frames;
  Schedule schedule;
  schedule.samples = SpreadOverReferences(frames, job.frames,
                                          [&video](int64_t frame) { return video.NearestReference(frame); });
  for (const int64_t at : EvenlySpread(static_cast<int64_t>(schedule.samples.size()), kWideFrames)) {
    schedule.wide.push_back(schedule.samples[static_cast<size_t>(at)]);
  }
  const std::vector<double> seconds = video.FrameSeconds();
  schedule.after_gaps = FramesAfterGaps(seconds);
  if (job.Wants(View::kBurst)) schedule.bursts = PlaceBursts(seconds);
  if (job.Wants(View::kMouthTrack) && sound.heard) {
    std::vector<double> level = SpeechLevel(sound.log_mel);
    level.resize(static_cast<size_t>(sound.columns));
    schedule.windows = PlaceMouthWindows(level, seconds);
  }
  return schedule;
}

// Adds "mouth_seconds" (the start of each window, of the sound and of the mouth alike) and "mouth_frames"
// (how many of its frames lie before the clip's end).
void AddLogMel(const HeardSound& sound, const Schedule& schedule, DecodedClip& clip) {
  clip.attributes["has_sound"] = sound.heard ? 1 : 0;
  clip.attributes["sound_damaged"] = sound.damaged ? 1 : 0;
  if (schedule.windows.empty()) return;
  std::string bytes;
  for (const MouthWindow& window : schedule.windows) {
    const float* begin = sound.log_mel.data() + window.first_column * kMelBands;
    bytes.append(reinterpret_cast<const char*>(begin), sizeof(float) * kMelColumns * kMelBands);
    clip.series["mouth_frames"].push_back(static_cast<double>(window.frames.size()));
    clip.series["mouth_seconds"].push_back(static_cast<double>(window.first_column) * kMelHop / kSoundRate);
  }
  const auto windows = static_cast<int64_t>(schedule.windows.size());
  clip.views.push_back({View::kLogMel, {windows, kMelColumns, kMelBands}, std::move(bytes)});
}

}  // namespace

absl::StatusOr<DecodedClip> DecodeClip(std::string_view bytes, const DecodeJob& job, FaceDetector& detector) {
  try {
    ICPT_ASSIGN_OR_RETURN(const auto video, Video::Open(bytes));
    HeardSound sound;
    if (job.Wants(View::kMouthTrack)) {
      ICPT_ASSIGN_OR_RETURN(sound, Listen(bytes, video->facts()));
    }
    const Schedule schedule = MakeSchedule(*video, job, sound);
    ViewCutter cutter(*video, schedule, job, detector);
    SketchBook book(video->facts().frames, schedule, job);
    ICPT_RETURN_IF_ERROR(video->Decode(
        schedule.Frames(),
        [&](const VideoFrame& frame) -> absl::Status {
          ICPT_ASSIGN_OR_RETURN(const Sketch sketch, MakeSketch(*video, frame));
          book.Add(frame.index, sketch);
          return cutter.Add(frame, sketch);
        },
        [&](const VideoFrame& frame) {
          if (!book.Wants(frame.index)) return;
          if (const auto sketch = MakeSketch(*video, frame); sketch.ok()) book.Add(frame.index, *sketch);
        }));
    ICPT_ASSIGN_OR_RETURN(DecodedClip clip, cutter.Finish());
    clip.sketches = book.Take();
    if (job.Wants(View::kMouthTrack)) AddLogMel(sound, schedule, clip);
    std::sort(clip.views.begin(), clip.views.end(),
              [](const DecodedView& a, const DecodedView& b) { return a.view < b.view; });
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
