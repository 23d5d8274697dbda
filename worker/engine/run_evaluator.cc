#include "worker/engine/run_evaluator.h"

#include <optional>
#include <string>
#include <utility>

#include "common/base/digest.h"
#include "common/base/log.h"
#include "common/base/status.h"
#include "common/io/atomic_file.h"
#include "worker/child_protocol/bias_file.h"
#include "worker/child_protocol/run_folder.h"
#include "worker/engine/validation.h"
#include "worker/evaluation/calibrate_half.h"
#include "worker/models/specialist.h"

namespace interceptor::worker {

absl::StatusOr<std::vector<float>> RunEvaluator::LookAhead(const ChunkOrder& order, const ChunkData& data,
                                                           int64_t step) {
  if (order.chunk == 0 || !options_.settings.evaluation.look_ahead) return std::vector<float>();
  ICPT_ASSIGN_OR_RETURN(const std::vector<ClipLogits> logits, Score(order, data.whole()));
  ClipList unseen;
  std::vector<ClipLogits> unseen_logits;
  for (size_t i = 0; i < logits.size(); ++i) {
    if (data.ShowsTrained(data.whole().infos[i])) continue;
    unseen.Add(*data.whole().clips[i]);
    unseen_logits.push_back(logits[i]);
  }
  ICPT_RETURN_IF_ERROR(
      Report(order, data.ByFootage(unseen), unseen_logits, EvaluationKind::kLookAhead, step, {}));
  const std::vector<float> losses = ClipLosses(data.whole(), logits);
  std::vector<float> of_base;
  for (size_t i = 0; i < losses.size(); ++i) {
    if (data.whole().infos[i].fold != options_.settings.evaluation.held_out_fold)
      of_base.push_back(losses[i]);
  }
  return of_base;
}

absl::Status RunEvaluator::ScoreHeldOut(const ChunkOrder& order, const ChunkData& data, int64_t step,
                                        const std::vector<SamplingWeight>& sampling) {
  ICPT_ASSIGN_OR_RETURN(const std::vector<ClipLogits> logits, Score(order, data.held_out()));
  return Report(order, data.ByFootage(data.held_out()), logits, EvaluationKind::kHeldOut, step,
                [&](const ScoreTable& table, Evaluation& evaluation) -> absl::Status {
                  const EvaluationSettings& settings = options_.settings.evaluation;
                  ICPT_ASSIGN_OR_RETURN(evaluation.bias, MeasureBias(table, settings.held_out_fold, sampling,
                                                                     settings.bias_correction,
                                                                     {.seed = options_.settings.seed}));
                  return absl::OkStatus();
                });
}

absl::Status RunEvaluator::Validate(const ChunkOrder& order, const ChunkData& data, int64_t step,
                                    ValidationState& state) {
  const ClipList sample = ValidationSample(data.ByFootage(data.held_out()));
  ICPT_ASSIGN_OR_RETURN(const std::vector<ClipLogits> logits, Score(order, sample));
  return Report(order, sample, logits, EvaluationKind::kValidation, step,
                [&](const ScoreTable&, Evaluation& evaluation) {
                  return CompareWithBest(sample, logits, options_.settings.seed, state, evaluation);
                });
}

absl::StatusOr<std::vector<ClipLogits>> RunEvaluator::Score(const ChunkOrder& order, const ClipList& list) {
  return ScoreClips(learner_, list,
                    {.views = ViewsOf(options_.specialist, ModeOf(options_.settings.model)),
                     .frames_per_clip = options_.settings.evaluation.frames_per_clip,
                     .progress = [&](double) { progress_(order); }});
}

absl::Status RunEvaluator::Report(const ChunkOrder& order, const ClipList& list,
                                  const std::vector<ClipLogits>& logits, EvaluationKind kind, int64_t step,
                                  const Finish& finish) {
  const bool with_parts = ModeOf(options_.settings.model) != FrontEndMode::kFaceCrop;
  ScoreTable scores = MakeScoreTable(list, logits, kind, step, with_parts);
  scores.plan_digest = options_.settings.plan_digest;
  const std::string table = FormatScoreTable(scores);
  const Digest digest = DigestOf(table);
  const std::string path = kind != EvaluationKind::kValidation
                               ? ScoreTablePath(options_.run, kind, order.name)
                               : ValidationTablePath(options_.run, order.name, step, digest);
  ICPT_ASSIGN_OR_RETURN(std::optional<Evaluation> evaluation,
                        Summarise(list, logits, options_.settings.seed));
  if (evaluation.has_value()) {
    evaluation->kind = kind;
    evaluation->chunk = order.chunk;
    evaluation->step = step;
    evaluation->score_table = digest;
    if (finish) ICPT_RETURN_IF_ERROR(finish(scores, *evaluation));
    if (evaluation->bias)
      ICPT_RETURN_IF_ERROR(WriteBias(files_, options_.run, order.name, *evaluation->bias));
  }
  // Last: where it is, nothing of this evaluation is pending.
  ICPT_RETURN_IF_ERROR(WriteFileAtomically(files_, path, table));
  if (!evaluation.has_value()) {
    ICPT_LOG(kWarning) << path << " lacks REAL or FAKE; no figures can be drawn from it";
    return absl::OkStatus();
  }
  control_.Emit(EvaluationEvent{path, *std::move(evaluation)});
  return absl::OkStatus();
}

}  // namespace interceptor::worker
