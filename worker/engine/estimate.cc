#include "worker/engine/estimate.h"

#include <algorithm>
#include <cstring>
#include <memory>
#include <optional>
#include <span>
#include <utility>

#include "absl/strings/str_format.h"
#include "common/base/clock.h"
#include "common/base/random.h"
#include "common/base/status.h"
#include "common/io/atomic_file.h"
#include "worker/engine/validation.h"
#include "worker/models/specialist.h"
#include "worker/sampling/chunk_steps.h"
#include "worker/sampling/schedule.h"
#include "worker/store/clip_store.h"
#include "worker/store/manifest.h"
#include "worker/store/sample_views.h"
#include "worker/store/view_shapes.h"

namespace interceptor::worker {
namespace {

ClipCounts Count(const DataManifest& manifest, int held_out_fold) {
  ClipCounts counts;
  for (const ClipInfo& clip : manifest.clips) {
    const bool fake = clip.label == Label::kFake;
    if (clip.fold == held_out_fold) {
      ++(fake ? counts.held_out_fakes : counts.held_out_reals);
    } else {
      ++(fake ? counts.fakes : counts.reals);
    }
  }
  return counts;
}

ClipCounts ShareOut(const RunSettings& settings, int64_t clips) {
  const auto fakes =
      static_cast<int64_t>(settings.preparation.expected_fake_share * static_cast<double>(clips));
  const int64_t reals = clips - fakes;
  const int64_t folds = settings.evaluation.folds;
  return {reals - reals / folds, fakes - fakes / folds, reals / folds, fakes / folds};
}

ClipCounts Mean(const std::vector<std::optional<ClipCounts>>& counts) {
  ClipCounts sum;
  int64_t known = 0;
  for (const std::optional<ClipCounts>& of_chunk : counts) {
    if (!of_chunk.has_value()) continue;
    ++known;
    for (const auto member :
         {&ClipCounts::reals, &ClipCounts::fakes, &ClipCounts::held_out_reals, &ClipCounts::held_out_fakes}) {
      sum.*member += (*of_chunk).*member;
    }
  }
  known = std::max(int64_t{1}, known);
  return {sum.reals / known, sum.fakes / known, sum.held_out_reals / known, sum.held_out_fakes / known};
}

void FillWithNoise(std::vector<uint8_t>& bytes, RandomKey key) {
  for (size_t i = 0; i < bytes.size(); i += sizeof(uint64_t)) {
    const uint64_t bits = RandomBits(key, i);
    std::memcpy(&bytes[i], &bits, std::min(sizeof bits, bytes.size() - i));
  }
}

// Noise in the shapes of what a specialist sees, half of it fakes.
absl::StatusOr<FrameBatch> MakeUpBatch(std::span<const View> views, int count, int side) {
  FrameBatch batch;
  SpecialistInput& input = batch.input;
  std::vector<View> others;
  for (const View view : views) {
    if (view != View::kFaceCrop && view != View::kFullFrame) {
      others.push_back(view);
      continue;
    }
    Pictures& pictures = view == View::kFaceCrop ? input.face_crop : input.full_frame;
    pictures.side = side;
    pictures.rgb.resize(size_t{3} * count * side * side);
  }
  const StoredClip nothing;
  for (int i = 0; i < count; ++i) {
    if (!others.empty()) ICPT_RETURN_IF_ERROR(AppendSample(nothing, others, 0, input));
    batch.is_fake.push_back(i % 2);
    batch.samples.emplace_back().augmentation = MakeRandomKey(1, "made up", {static_cast<uint64_t>(i)});
  }
  input.count = count;
  input.usable.assign(static_cast<size_t>(count), 1);
  const RandomKey key = MakeRandomKey(1, "made up");
  for (std::vector<uint8_t>* bytes : {&input.face_crop.rgb, &input.full_frame.rgb, &input.patches.luma,
                                      &input.patches.quantisers, &input.windows.mouth, &input.bursts.luma}) {
    FillWithNoise(*bytes, key);
  }
  for (size_t i = 0; i < input.windows.log_mel.size(); ++i)
    input.windows.log_mel[i] = static_cast<float>(RandomNormal(key, i));
  return batch;
}

double Median(std::vector<double> values) {
  std::ranges::sort(values);
  return values[values.size() / 2];
}

// Seconds of each of `count` calls, after one that is not counted.
template <typename Work>
absl::StatusOr<std::vector<double>> Times(int count, const Work& work) {
  std::vector<double> seconds;
  for (int i = 0; i <= count; ++i) {
    const MonotonicTime begin = SystemClock().Now();
    ICPT_RETURN_IF_ERROR(work());
    if (i > 0) seconds.push_back(absl::ToDoubleSeconds(SystemClock().Now() - begin));
  }
  return seconds;
}

// How many moments of a clip are scored at most.
int ScoredMoments(std::span<const View> views, int frames_per_clip) {
  if (views.front() == View::kMouthTrack) return std::min(frames_per_clip, kMouthWindows);
  if (views.front() == View::kBurst) return std::min(frames_per_clip, kBursts);
  return frames_per_clip;
}

// Of half of what is held out up to a chunk.
int64_t ValidatedClips(const ClipCounts& so_far) {
  return std::min<int64_t>(kValidationClipsPerClass, so_far.held_out_reals / 2) +
         std::min<int64_t>(kValidationClipsPerClass, so_far.held_out_fakes / 2);
}

double TrainingSeconds(const RunSettings& settings, const TrainingSpeed& speed, int chunk, int64_t steps) {
  const std::vector<CurriculumStage>& stages = settings.recipe.stages;
  double seconds = 0;
  for (int64_t step = 0; step < steps; ++step) {
    const double progress = PlanProgress(
        {.chunk = chunk, .chunks = static_cast<int>(settings.chunks.size()), .step = step, .steps = steps});
    seconds += speed.step[&StageAt(settings.recipe, progress) - stages.data()];
  }
  return seconds;
}

}  // namespace

absl::StatusOr<std::vector<ClipCounts>> CountClips(const FileSystem& files, const std::string& store,
                                                   const RunSettings& settings, int64_t clips) {
  std::vector<std::optional<ClipCounts>> counts(settings.chunks.size());
  bool any = false;
  for (size_t i = 0; i < counts.size() && !store.empty(); ++i) {
    const absl::StatusOr<std::string> text = ReadWholeFile(files, ManifestPath(store, settings.chunks[i]));
    if (absl::IsNotFound(text.status())) continue;
    ICPT_RETURN_IF_ERROR(text.status());
    ICPT_ASSIGN_OR_RETURN(const DataManifest manifest, DecodeManifest(*text));
    counts[i] = Count(manifest, settings.evaluation.held_out_fold);
    any = true;
  }
  if (!any && clips == 0) {
    return NotFound("no chunk is prepared in the store ", store.empty() ? "(none is named)" : store,
                    "; say with --clips how many clips a chunk has");
  }
  const ClipCounts other = clips > 0 ? ShareOut(settings, clips) : Mean(counts);
  std::vector<ClipCounts> all;
  for (const std::optional<ClipCounts>& of_chunk : counts) all.push_back(of_chunk.value_or(other));
  return all;
}

absl::StatusOr<TrainingSpeed> MeasureSpeed(const RunSettings& settings, const LearnerOptions& options,
                                           int steps) {
  ICPT_ASSIGN_OR_RETURN(const std::unique_ptr<Learner> learner, Learner::Create(options));
  const std::span<const View> views = ViewsOf(options.specialist, ModeOf(settings.model));
  ICPT_ASSIGN_OR_RETURN(const FrameBatch batch,
                        MakeUpBatch(views, settings.recipe.batch_size, settings.preparation.view_pixels));
  TrainingSpeed speed;
  speed.facts = learner->facts();
  int64_t step = 0;
  for (const CurriculumStage& stage : settings.recipe.stages) {
    ICPT_ASSIGN_OR_RETURN(
        std::vector<double> seconds, Times(steps, [&] {
          return learner
              ->Step({.batch = &batch, .weights = {}, .stage = &stage, .learning_rate = 1e-6, .step = step++})
              .status();
        }));
    speed.step.push_back(Median(std::move(seconds)));
  }
  ICPT_ASSIGN_OR_RETURN(std::vector<double> seconds,
                        Times(steps, [&] { return learner->Score(batch.input).status(); }));
  speed.scored_clip = Median(std::move(seconds)) / batch.input.count *
                      ScoredMoments(views, settings.evaluation.frames_per_clip);
  return speed;
}

std::vector<ChunkEstimate> EstimateRun(const RunSettings& settings, const std::vector<ClipCounts>& clips,
                                       const TrainingSpeed& speed) {
  const int chunks = static_cast<int>(settings.chunks.size());
  const int period = settings.evaluation.evaluate_every_steps;
  std::vector<ChunkEstimate> estimates;
  ClipCounts so_far;
  int64_t steps_so_far = 0;
  for (int chunk = 0; chunk < chunks; ++chunk) {
    const ClipCounts& own = clips[chunk];
    const ChunkSteps steps = PlanChunkSteps(
        settings.recipe,
        {.chunk = chunk, .chunks = chunks, .reals = own.reals, .fakes = own.fakes, .has_replay = chunk > 0});
    so_far.held_out_reals += own.held_out_reals;
    so_far.held_out_fakes += own.held_out_fakes;
    int64_t scored = so_far.held_out_reals + so_far.held_out_fakes;
    if (chunk > 0 && settings.evaluation.look_ahead)
      scored += own.reals + own.fakes + own.held_out_reals + own.held_out_fakes;
    const int64_t before = std::exchange(steps_so_far, steps_so_far + steps.Total());
    if (period > 0) scored += (steps_so_far / period - before / period) * ValidatedClips(so_far);
    estimates.push_back({settings.chunks[chunk], steps.Total(),
                         TrainingSeconds(settings, speed, chunk, steps.Total()),
                         static_cast<double>(scored) * speed.scored_clip});
  }
  return estimates;
}

std::string RenderEstimate(const std::vector<ChunkEstimate>& chunks) {
  const auto line = [](const ChunkEstimate& chunk) {
    return absl::StrFormat("%-8s%10d%12.2f%12.2f%12.2f\n", chunk.chunk, chunk.steps,
                           chunk.training_seconds / 3600, chunk.scoring_seconds / 3600,
                           (chunk.training_seconds + chunk.scoring_seconds) / 3600);
  };
  std::string text =
      absl::StrFormat("%-8s%10s%12s%12s%12s\n", "CHUNK", "STEPS", "TRAINING H", "SCORING H", "HOURS");
  ChunkEstimate all{.chunk = "all"};
  for (const ChunkEstimate& chunk : chunks) {
    text += line(chunk);
    all.steps += chunk.steps;
    all.training_seconds += chunk.training_seconds;
    all.scoring_seconds += chunk.scoring_seconds;
  }
  return text + line(all);
}

std::string RenderSpeed(const RunSettings& settings, const TrainingSpeed& speed) {
  std::string text;
  for (size_t i = 0; i < speed.step.size(); ++i) {
    const CurriculumStage& stage = settings.recipe.stages[i];
    text += absl::StrFormat("%s%.3g s a step in stage %d (%d pixels, %d stages trained)", i == 0 ? "" : ", ",
                            speed.step[i], i + 1, stage.input_pixels, stage.trainable_stages);
  }
  return text + absl::StrFormat(", %.3g s a scored clip", speed.scored_clip);
}

}  // namespace interceptor::worker
