#include "worker/prepare/estimate.h"

#include <future>
#include <optional>

#include "absl/strings/str_format.h"
#include "common/base/clock.h"
#include "common/base/status.h"
#include "common/io/file_system.h"
#include "worker/media/decoded_clip.h"
#include "worker/prepare/archive.h"
#include "worker/prepare/decode_request.h"
#include "worker/prepare/label_sources.h"
#include "worker/prepare/labels.h"
#include "worker/prepare/text.h"
#include "worker/store/sample_views.h"

namespace interceptor::worker {
namespace {

// Clips of one class that were decoded together.
struct Sample {
  int clips = 0;
  absl::Duration time;
  int64_t bytes = 0;
  std::string fault;  // of the last clip that could not be decoded
};

class Estimator {
 public:
  Estimator(const PreparationSettings& settings, const DecoderPoolOptions& options)
      : settings_(settings), decoders_(options.decoders), pool_(DecoderPool::Start(options)) {}

  ChunkEstimate Estimate(const std::string& zip, const std::optional<std::string>& csv) {
    ChunkEstimate estimate{AuditChunk(zip, settings_, csv)};
    if (estimate.verdict.ok()) estimate.verdict = Measure(zip, estimate);
    return estimate;
  }

 private:
  absl::Status Measure(const std::string& zip, ChunkEstimate& estimate) {
    ICPT_ASSIGN_OR_RETURN(const auto archive, Archive::Open(zip));
    const GateReport& gate = estimate.gate;
    estimate.clips = static_cast<int64_t>(gate.clips.size());
    for (const Label label : {Label::kReal, Label::kFake}) {
      std::vector<const LabelledClip*> clips;
      for (const LabelledClip& clip : gate.clips) {
        if (clip.label == label) clips.push_back(&clip);
      }
      // Children start with their first clip, which is no part of a clip's cost.
      if (!std::exchange(warm_, true)) ICPT_RETURN_IF_ERROR(Decode(*archive, clips, decoders_).status());
      ICPT_ASSIGN_OR_RETURN(const Sample sample, Decode(*archive, clips, 2 * decoders_));
      if (sample.clips == 0)
        return DataLoss(zip, ": no clip that was tried can be decoded (", sample.fault, ")");
      const double scale = static_cast<double>(clips.size()) / sample.clips;
      estimate.tried += sample.clips;
      estimate.time += sample.time * scale;
      estimate.store_bytes += static_cast<int64_t>(static_cast<double>(sample.bytes) * scale);
      if (label == Label::kFake) estimate.store_bytes += static_cast<int64_t>(clips.size()) * MaskBytes();
    }
    return absl::OkStatus();
  }

  // Of one fake whose original is in the chunk.
  int64_t MaskBytes() const {
    const ViewFormat mask = FormatOf(View::kBlockMask, settings_.frames_per_fake, settings_.view_pixels);
    return mask.count_max * ItemBytes(mask);
  }

  absl::StatusOr<Sample> Decode(Archive& archive, const std::vector<const LabelledClip*>& clips, int count) {
    const MonotonicTime begun = SystemClock().Now();
    Sample sample;
    std::vector<std::future<DecodeOutcome>> outcomes;
    for (const int64_t index : EvenlySpaced(static_cast<int64_t>(clips.size()), count)) {
      outcomes.push_back(SubmitClip(*pool_, archive, *clips[static_cast<size_t>(index)], settings_));
    }
    for (auto& future : outcomes) {
      const DecodeOutcome outcome = future.get();
      ICPT_RETURN_IF_ERROR(outcome.status);
      if (!outcome.fault.empty()) {
        sample.fault = outcome.fault;
        continue;
      }
      sample.clips += 1;
      for (const DecodedView& view : outcome.clip.views)
        sample.bytes += static_cast<int64_t>(view.bytes.size());
    }
    sample.time = SystemClock().Now() - begun;
    return sample;
  }

  const PreparationSettings& settings_;
  const int decoders_;
  const std::unique_ptr<DecoderPool> pool_;
  bool warm_ = false;
};

std::string ShownTime(absl::Duration time) {
  const int64_t minutes = absl::ToInt64Minutes(time + absl::Seconds(30));
  if (minutes < 1) return absl::StrFormat("%.0f s", absl::ToDoubleSeconds(time));
  return minutes < 60 ? absl::StrFormat("%d min", minutes)
                      : absl::StrFormat("%d h %02d min", minutes / 60, minutes % 60);
}

std::string Line(const ChunkEstimate& chunk) {
  const double ratio =
      chunk.zip_bytes > 0 ? static_cast<double>(chunk.store_bytes) / static_cast<double>(chunk.zip_bytes) : 0;
  return absl::StrFormat("%-7s%10s%8d%8d%12s%12s%9.2fx\n", chunk.chunk, ShownBytes(chunk.zip_bytes),
                         chunk.clips, chunk.tried, ShownTime(chunk.time), ShownBytes(chunk.store_bytes),
                         ratio);
}

}  // namespace

absl::StatusOr<std::vector<ChunkEstimate>> EstimateFolder(
    const std::string& folder, const PreparationSettings& settings, const DecoderPoolOptions& pool,
    const std::function<void(const ChunkEstimate&)>& done) {
  ICPT_ASSIGN_OR_RETURN(const std::vector<std::string> zips, ListZips(folder));
  ICPT_ASSIGN_OR_RETURN(const auto csv, ReadLabelsCsv(SystemFiles(), folder, settings.labels_csv));
  ICPT_ASSIGN_OR_RETURN(const FaceModel face_model,
                        FindFaceModel(SystemFiles(), pool.face_model_path, folder, settings));
  DecoderPoolOptions with_model = pool;
  with_model.face_model_path = face_model.path;
  Estimator estimator(settings, with_model);
  std::vector<ChunkEstimate> chunks;
  for (const std::string& zip : zips) {
    chunks.push_back(estimator.Estimate(zip, csv));
    done(chunks.back());
  }
  return chunks;
}

std::string RenderEstimate(const std::vector<ChunkEstimate>& chunks) {
  std::string text = absl::StrFormat("%-7s%10s%8s%8s%12s%12s%10s\n", "CHUNK", "ZIP", "CLIPS", "TRIED", "TIME",
                                     "STORE", "OF ZIP");
  std::string refused;
  ChunkEstimate all;
  all.chunk = "all";
  for (const ChunkEstimate& chunk : chunks) {
    if (!chunk.verdict.ok()) {
      refused += Cat("refused: ", Printable(Message(chunk.verdict)), "\n");
      continue;
    }
    text += Line(chunk);
    all.zip_bytes += chunk.zip_bytes;
    all.clips += chunk.clips;
    all.tried += chunk.tried;
    all.time += chunk.time;
    all.store_bytes += chunk.store_bytes;
  }
  return text + Line(all) + refused;
}

}  // namespace interceptor::worker
