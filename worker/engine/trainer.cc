// Reads from top to bottom as the algorithm: Run, then what it calls in the order in which it calls it.
#include "worker/engine/trainer.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/status.h"
#include "worker/child_protocol/run_folder.h"
#include "worker/engine/boosts.h"
#include "worker/engine/chunk_data.h"
#include "worker/engine/learner.h"
#include "worker/engine/ledger.h"
#include "worker/engine/left_out_batch.h"
#include "worker/engine/run_evaluator.h"
#include "worker/engine/saver.h"
#include "worker/engine/start.h"
#include "worker/engine/training_meter.h"
#include "worker/models/specialist.h"
#include "worker/sampling/chunk_steps.h"
#include "worker/sampling/curriculum.h"
#include "worker/sampling/cursor.h"
#include "worker/sampling/sampler.h"
#include "worker/sampling/schedule.h"
#include "worker/store/loader.h"

namespace interceptor::worker {
namespace {

constexpr int kLoaderThreads = 2;
constexpr absl::Duration kProgressPeriod = absl::Seconds(1);

class Trainer {
 public:
  Trainer(const FileSystem& files, const TrainerOptions& options, Control& control)
      : files_(files), options_(options), recipe_(options.settings.recipe), control_(control) {}

  absl::Status Run() {
    ICPT_RETURN_IF_ERROR(Start());
    const auto chunks = static_cast<int>(options_.settings.chunks.size());
    do {
      ICPT_ASSIGN_OR_RETURN(const std::optional<ChunkOrder> order, control_.NextChunk(info_.cursor.chunk));
      if (!order.has_value()) return Leave();
      if (snapshot_.has_value() && order->chunk == info_.cursor.chunk) {
        ICPT_RETURN_IF_ERROR(Restore(*std::exchange(snapshot_, std::nullopt)));
      }
      ICPT_ASSIGN_OR_RETURN(const std::unique_ptr<ChunkData> data, OpenChunk(*order));
      if (order->chunk == info_.cursor.chunk) {
        if (AtChunkStart(info_.cursor)) {
          info_.sampling = order->sampling;
          ICPT_ASSIGN_OR_RETURN(losses_, evaluator_->LookAhead(*order, *data, info_.step));
        }
        boosts_ = FindBoosts(info_.sampling, data->base(), data->replay());
        steps_ = PlanChunkSteps(recipe_, ClipsOf(*data));
        while (info_.cursor.chunk == order->chunk) {
          ICPT_ASSIGN_OR_RETURN(const bool trained, TrainEpoch(*order, *data));
          if (!trained) return Leave();
        }
        ICPT_RETURN_IF_ERROR(Publish(published_->Wait()));
      }
      ICPT_RETURN_IF_ERROR(evaluator_->ScoreHeldOut(*order, *data, info_.step, info_.sampling));
      control_.Emit(ChunkFinishedEvent{order->chunk, info_.step, info_.training_seconds});
    } while (info_.cursor.chunk < chunks);
    control_.Emit(FinishedEvent{});
    return absl::OkStatus();
  }

 private:
  // Network, weights, cursor: from scratch, from given weights, from a checkpoint or from a newer snapshot of
  // it. The scores of the chunk before may be pending, and those are of the state that the checkpoint of its
  // end holds: a snapshot beyond such a checkpoint waits until its own chunk is ordered.
  absl::Status Start() {
    ICPT_ASSIGN_OR_RETURN(lock_, LockRunFolder(files_, options_.run));
    ICPT_ASSIGN_OR_RETURN(StartingPoint start, FindStart(files_, options_));
    ICPT_ASSIGN_OR_RETURN(snapshot_, FindSnapshot(files_, options_, start));
    const Cursor stands = start.checkpoint.info.cursor;
    const bool ends_chunk = stands.chunk > 0 && AtChunkStart(stands);
    if (snapshot_.has_value() && !ends_chunk) start = *std::exchange(snapshot_, std::nullopt);
    LearnerOptions learner = {.model = options_.settings.model,
                              .recipe = recipe_,
                              .specialist = options_.specialist,
                              .seed = options_.settings.seed,
                              .device = options_.device,
                              .threads = options_.threads,
                              .from_given_weights = start.checkpoint.info.from_given_weights};
    ICPT_ASSIGN_OR_RETURN(learner_, Learner::Create(learner));
    evaluator_ = std::make_unique<RunEvaluator>(
        files_, options_, control_, *learner_,
        [this](const ChunkOrder& order) { EmitProgress(Phase::kEvaluating, order); });
    const StartingPoint& newest = snapshot_.has_value() ? *snapshot_ : start;
    WarnIfMachineDiffers(newest.checkpoint.info.facts, learner_->facts(), newest.weights);
    ICPT_RETURN_IF_ERROR(Restore(start));
    snapshot_number_ = newest.snapshot_number + 1;
    published_ = std::make_unique<Saver>(files_, learner_->architecture(), true);
    scratch_ = MakeHostState(learner_->architecture(), true);
    ICPT_ASSIGN_OR_RETURN(ledger_, Ledger::Open(options_.run));
    last_snapshot_ = SystemClock().Now();
    control_.Emit(StartedEvent{.specialist = std::string(ToString(options_.specialist)),
                               .parameters = learner_->architecture().parameter_count,
                               .threads = options_.threads,
                               .device = info_.facts.device,
                               .cpu_capability = info_.facts.cpu_capability,
                               .weights = newest.weights,
                               .digest = newest.digest,
                               .step = newest.checkpoint.info.step,
                               .cursor = newest.checkpoint.info.cursor});
    return absl::OkStatus();
  }

  absl::Status Restore(const StartingPoint& start) {
    ICPT_RETURN_IF_ERROR(LoadStart(files_, options_, start, *learner_));
    info_ = start.checkpoint.info;
    info_.facts = learner_->facts();
    losses_ = start.checkpoint.losses;
    return absl::OkStatus();
  }

  absl::StatusOr<std::unique_ptr<ChunkData>> OpenChunk(const ChunkOrder& order) {
    const bool scores_pending = order.chunk == info_.cursor.chunk - 1 && AtChunkStart(info_.cursor);
    if (order.chunk != info_.cursor.chunk && !scores_pending) {
      return FailedPrecondition("chunk ", order.chunk, " was ordered, but the model stands at chunk ",
                                info_.cursor.chunk, "; chunks are trained in order, each once");
    }
    ICPT_ASSIGN_OR_RETURN(std::unique_ptr<ChunkData> data,
                          ChunkData::Open(files_, options_.store, options_.settings, order));
    const bool listed = !info_.manifests.empty() && info_.manifests.back() == data->manifest_sha256();
    if (!listed && !scores_pending) info_.manifests.push_back(data->manifest_sha256());
    if (!AtChunkStart(info_.cursor) && losses_.size() != data->base().clips.size()) losses_.clear();
    return data;
  }

  ChunkClips ClipsOf(const ChunkData& data) const {
    const auto count = [&](Label label) {
      return std::ranges::count(data.base().infos, label, &ClipInfo::label);
    };
    return {.chunk = info_.cursor.chunk,
            .chunks = static_cast<int>(options_.settings.chunks.size()),
            .reals = count(Label::kReal),
            .fakes = count(Label::kFake),
            .has_replay = !data.replay().clips.empty(),
            .boost_share = ShareOf(boosts_)};
  }

  // True when the epoch is done, false when the trainer was told to stop.
  absl::StatusOr<bool> TrainEpoch(const ChunkOrder& order, const ChunkData& data) {
    const int epoch = info_.cursor.epoch;
    ICPT_ASSIGN_OR_RETURN(std::vector<SampleBatch> batches,
                          PlanEpoch({.base = data.base().infos,
                                     .replay = data.replay().infos,
                                     .losses = losses_,
                                     .held_out_fold = options_.settings.evaluation.held_out_fold,
                                     .batch_size = recipe_.batch_size,
                                     .replay_share = EpochReplayShare(recipe_, ClipsOf(data), epoch),
                                     .boosts = boosts_,
                                     .pace = StageAt(recipe_, Progress()).pace,
                                     .specialist = options_.specialist,
                                     .seed = options_.settings.seed,
                                     .chunk = order.chunk,
                                     .epoch = epoch,
                                     .passes = Passes()}));
    batches.resize(std::min(batches.size(), static_cast<size_t>(steps_.epoch_batches[epoch])));
    Loader loader({.base = data.base().clips,
                   .replay = data.replay().clips,
                   .views = {Views().begin(), Views().end()},
                   .batches = std::move(batches),
                   .first_batch = info_.cursor.position,
                   .threads = kLoaderThreads});
    const std::vector<float> clip_weights = LossWeights(losses_);
    MonotonicTime mark = SystemClock().Now();
    while (info_.cursor.chunk == order.chunk && info_.cursor.epoch == epoch) {
      if (control_.StopRequested()) return false;
      const absl::Duration waited = loader.waited();
      ICPT_ASSIGN_OR_RETURN(const FrameBatch batch, loader.Next());
      const double progress = Progress();
      learning_rate_ = LearningRate(recipe_, progress);
      ICPT_ASSIGN_OR_RETURN(const StepResult result,
                            learner_->Step({.batch = &batch,
                                            .weights = SampleWeights(batch.samples, clip_weights),
                                            .stage = &StageAt(recipe_, progress),
                                            .learning_rate = learning_rate_,
                                            .step = info_.step}));
      if (result.taken) {
        loss_ = result.loss;
      } else {
        ICPT_RETURN_IF_ERROR(LeaveBatchOut(order.name, info_));
      }
      ledger_->Add(order.name, info_.cursor, info_.step, batch.samples);
      ++info_.step;
      info_.cursor = Advance(info_.cursor, steps_);
      const MonotonicTime now = SystemClock().Now();
      info_.training_seconds += absl::ToDoubleSeconds(now - mark);
      meter_.CountStep({.samples = batch.input.count,
                        .took = now - mark,
                        .waited = loader.waited() - waited,
                        .gradient_norm = result.gradient_norm});
      mark = now;
      const int period = options_.settings.evaluation.evaluate_every_steps;
      if (period > 0 && info_.step % period == 0) {
        // Before the save, which holds what is remembered of it.
        ICPT_RETURN_IF_ERROR(evaluator_->Validate(order, data, info_.step, info_.validation));
        mark = SystemClock().Now();
      }
      ICPT_RETURN_IF_ERROR(SaveWhereDue(order));
      ReportProgress(order);
    }
    return true;
  }

  // Rounds on the grid whether or not anything is saved, so that what is learned does not depend on saves.
  absl::Status SaveWhereDue(const ChunkOrder& order) {
    ICPT_RETURN_IF_ERROR(Publish(published_->Poll()));
    if (snapshots_ != nullptr) Note(snapshots_->Poll());
    const bool chunk_end = info_.cursor.chunk != order.chunk;
    const int64_t done = chunk_end ? steps_.Total() : StepInChunk(info_.cursor, steps_);
    if (OnRoundingGrid(done, steps_.Total(), recipe_.rounding_period)) {
      if (chunk_end) ICPT_RETURN_IF_ERROR(Publish(published_->Wait()));
      ICPT_RETURN_IF_ERROR(learner_->RoundMoments(published_->busy() ? scratch_ : published_->buffer()));
      if (chunk_end) losses_.clear();
      if (chunk_end || (control_.SaveRequested() && !published_->busy())) {
        ICPT_RETURN_IF_ERROR(Capture(chunk_end));
      }
    }
    const absl::Duration since = SystemClock().Now() - last_snapshot_;
    const bool due = since >= absl::Seconds(options_.settings.checkpoints.recovery_period_seconds);
    const bool take_snapshot = due && !chunk_end && (snapshots_ == nullptr || !snapshots_->busy());
    return take_snapshot ? CaptureSnapshot() : absl::OkStatus();
  }

  // The moments stand in the buffer already; the loop waits for one copy of the weights alone.
  absl::Status Capture(bool chunk_end) {
    const MonotonicTime begin = SystemClock().Now();
    ICPT_RETURN_IF_ERROR(learner_->CaptureWeights(published_->buffer()));
    SaveJob job = {.path = CheckpointPath(options_.run, ToString(options_.specialist), info_.step),
                   .info = info_,
                   .losses = losses_,
                   .reason = chunk_end ? SaveReason::kChunkEnd : SaveReason::kSaveNow};
    job.stall_ms = absl::ToDoubleMilliseconds(SystemClock().Now() - begin);
    published_->Start(std::move(job));
    return absl::OkStatus();
  }

  absl::Status CaptureSnapshot() {
    if (snapshots_ == nullptr) snapshots_ = std::make_unique<Saver>(files_, learner_->architecture(), false);
    ICPT_RETURN_IF_ERROR(learner_->CaptureAll(snapshots_->buffer()));
    snapshots_->Start(
        {.path = SnapshotPath(options_.run, snapshot_number_++), .info = info_, .losses = losses_});
    last_snapshot_ = SystemClock().Now();
    return absl::OkStatus();
  }

  absl::Status Publish(const std::optional<SavedFile>& saved) {
    if (!saved.has_value()) return absl::OkStatus();
    ICPT_RETURN_IF_ERROR(saved->status);
    info_.lineage.push_back(saved->digest.hex);
    control_.Emit(ToEvent(*saved));
    return absl::OkStatus();
  }

  // A snapshot that failed costs nothing now, but a full disk will cost the next checkpoint: say so, go on.
  static void Note(const std::optional<SavedFile>& saved) {
    if (saved.has_value() && !saved->status.ok()) {
      ICPT_LOG(kWarning) << "recovery snapshot " << saved->job.path << " failed: " << Message(saved->status);
    }
  }

  // Told to stop: everything since the last published checkpoint is kept in a snapshot.
  absl::Status Leave() {
    ICPT_RETURN_IF_ERROR(Publish(published_->Wait()));
    if (AtChunkStart(info_.cursor)) return absl::OkStatus();
    if (snapshots_ != nullptr) Note(snapshots_->Wait());
    ICPT_RETURN_IF_ERROR(CaptureSnapshot());
    return snapshots_->Wait()->status;
  }

  // Plans without front ends draw moments as they did before there were any.
  int Passes() const { return Mode() == FrontEndMode::kFaceCrop ? 1 : recipe_.epochs_per_chunk; }
  FrontEndMode Mode() const { return ModeOf(options_.settings.model); }
  std::span<const View> Views() const { return ViewsOf(options_.specialist, Mode()); }

  static bool AtChunkStart(const Cursor& cursor) { return cursor.epoch == 0 && cursor.position == 0; }

  double Progress() const {
    return PlanProgress({.chunk = info_.cursor.chunk,
                         .chunks = static_cast<int>(options_.settings.chunks.size()),
                         .step = StepInChunk(info_.cursor, steps_),
                         .steps = steps_.Total()});
  }

  void ReportProgress(const ChunkOrder& order) {
    const bool chunk_end = info_.cursor.chunk != order.chunk;
    if (chunk_end || SystemClock().Now() - last_progress_ >= kProgressPeriod) {
      EmitProgress(Phase::kTraining, order);
    }
    if (!chunk_end) return;
    EmitProgress(Phase::kSaving, order);
    LogChunk(order);
  }

  void LogChunk(const ChunkOrder& order) {
    const TrainingMeter::Span chunk = meter_.EndChunk();
    ICPT_LOG(kInfo) << ToString(options_.specialist) << " chunk " << order.name << ": trained "
                    << absl::ToDoubleSeconds(chunk.busy) << " s, " << 100 * chunk.WaitShare()
                    << " % of it waiting for data";
  }

  // What is scored or saved stands where training has come to.
  void EmitProgress(Phase phase, const ChunkOrder& order) {
    last_progress_ = SystemClock().Now();
    TrainerProgressEvent event;
    event.chunk = order.chunk;
    event.learning_rate = learning_rate_;
    event.progress.phase = phase;
    event.progress.cursor = info_.cursor;
    event.progress.step = info_.step;
    event.progress.chunk_steps = steps_.Total();
    event.progress.loss = loss_;
    event.progress.gradient_norm = meter_.GradientNorm();
    event.progress.samples_per_second = meter_.SamplesPerSecond();
    event.progress.data_wait_share = meter_.WaitShare();
    event.progress.training_seconds = info_.training_seconds;
    control_.Emit(event);
  }

  const FileSystem& files_;
  const TrainerOptions& options_;
  const Recipe& recipe_;
  Control& control_;

  std::unique_ptr<File> lock_;
  std::unique_ptr<Learner> learner_;
  std::unique_ptr<RunEvaluator> evaluator_;
  std::optional<StartingPoint> snapshot_;  // waits for the order of its chunk
  CheckpointInfo info_;                    // of the state as it is now
  std::vector<float> losses_;              // look-ahead loss of each base clip; empty: unknown
  std::vector<Boost> boosts_;              // of the chunk, as info_.sampling asks
  ChunkSteps steps_;                       // of the chunk that is trained, or was last
  double loss_ = 0;                        // of the last step that was taken
  double learning_rate_ = 0;
  std::unique_ptr<Ledger> ledger_;

  std::unique_ptr<Saver> published_;
  std::unique_ptr<Saver> snapshots_;  // made at the first snapshot
  HostState scratch_;                 // takes the rounded moments while a save is being written
  int64_t snapshot_number_ = 0;
  MonotonicTime last_snapshot_;

  TrainingMeter meter_;
  MonotonicTime last_progress_;
};

}  // namespace

absl::Status Train(const FileSystem& files, const TrainerOptions& options, Control& control) {
  return Trainer(files, options, control).Run();
}

}  // namespace interceptor::worker
