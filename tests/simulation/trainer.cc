#include "tests/simulation/trainer.h"

#include <algorithm>
#include <cmath>

#include "common/base/status.h"
#include "tests/simulation/box.h"
#include "worker/sampling/cursor.h"

namespace interceptor::simulation {
namespace {

worker::ChunkSteps StepsOf(const Options& options) {
  return {std::vector<int64_t>(static_cast<size_t>(options.epochs), options.epoch_batches)};
}

// What a step does to the weights depends on where it is taken and on the chunk's clips, and on nothing else.
uint64_t Learn(const Model& before, const std::string& manifest) {
  const Cursor& at = before.cursor;
  return MakeRandomKey(before.weights, before.specialist + manifest.substr(0, 8),
                       {static_cast<uint64_t>(at.chunk), static_cast<uint64_t>(at.epoch),
                        static_cast<uint64_t>(at.position)})
      .value;
}

// What the bias of a model at its chunk's end asks of the next one: as good as a name of its weights.
std::vector<SamplingWeight> SamplingBehind(const Model& model) {
  return {{"weights", Cat(model.weights), false, 0.125}};
}

}  // namespace

Trainer::Trainer(Box& box, worker::ChildId id, const worker::StartTrainer& start)
    : Child(box, id, Cat(box.name(), "/train ", start.specialist)),
      specialist_(start.specialist),
      resume_path_(start.resume_path) {}

void Trainer::Begin() {
  process().Tell(Cat("starts from '", resume_path_, "'"));
  process().Post(box_.options().timing.startup, [this] {
    if (Load()) WaitForOrder();
  });
}

bool Trainer::Load() {
  model_.specialist = specialist_;
  model_.cursor.seed = box_.options().seed;
  model_.weights = box_.options().seed;
  std::string base;
  if (!resume_path_.empty()) {
    const auto file = box_.disk().files.find(resume_path_);
    if (file == box_.disk().files.end()) {
      Fail(absl::StatusCode::kNotFound, Cat("no checkpoint ", resume_path_), true);
      return false;
    }
    model_ = file->second->model;
    base = file->second->digest.hex;
    model_.lineage.push_back(base);
  }
  const bool from_snapshot = FindSnapshot(base);
  loaded_ = true;
  started_at_step_ = model_.step;
  last_snapshot_ = box_.world().now();
  process().Tell(Cat("stands at step ", model_.step, from_snapshot ? " of a snapshot" : ""));
  box_.checks().ledger.Started(specialist_, {box_.name(), model_.step, box_.agent().BaseStepOf(specialist_)});
  return true;
}

bool Trainer::FindSnapshot(const std::string& resume) {
  std::optional<Model> best;
  for (int64_t number = 0; number < 2; ++number) {
    const auto file = box_.disk().files.find(SnapshotPath(specialist_, number));
    if (file == box_.disk().files.end()) continue;
    const Model& found = file->second->model;
    const auto& lineage = found.lineage;
    if (!resume.empty() && std::find(lineage.begin(), lineage.end(), resume) == lineage.end()) {
      box_.disk().files.erase(file);
      continue;
    }
    // One from a later chunk has left behind what that chunk's end still owes.
    if (found.cursor.chunk != model_.cursor.chunk || found.step <= model_.step) continue;
    if (best && found.step <= best->step) continue;
    best = found;
    snapshot_number_ = number + 1;
  }
  if (!best) return false;
  model_ = *best;
  return true;
}

void Trainer::WaitForOrder() {
  if (stop_) return LeaveOrderly();
  waiting_ = true;
  Emit(worker::TrainerReady{id(), model_.cursor.chunk});
}

void Trainer::OnOrder(const worker::GiveChunk& order) {
  if (!process().alive() || order_) return;
  order_ = order;
  if (!waiting_) return;
  waiting_ = false;
  OpenChunk();
}

void Trainer::OnStop() {
  if (!process().alive()) return;
  stop_ = true;
  if (waiting_) {
    waiting_ = false;
    LeaveOrderly();
  }
}

void Trainer::OpenChunk() {
  StandWhereOrdered();
  const bool repeats_scores = order_->chunk == model_.cursor.chunk - 1 && AtChunkStart();
  if (order_->chunk != model_.cursor.chunk && !repeats_scores) {
    return Fail(absl::StatusCode::kFailedPrecondition,
                Cat("chunk ", order_->chunk, " was ordered, the model stands at chunk ", model_.cursor.chunk),
                false);
  }
  const auto stored = box_.disk().store.find(order_->name);
  if (stored == box_.disk().store.end() || !stored->second.has_train) {
    return Fail(absl::StatusCode::kNotFound, Cat("the store has no whole chunk ", order_->name), true);
  }
  if (stored->second.manifest.blob.hex != order_->manifest_sha256) {
    return Fail(absl::StatusCode::kFailedPrecondition,
                Cat("the store's chunk ", order_->name, " is not the committed one"), false);
  }
  if (repeats_scores) return ScoreHeldOut();
  if (AtChunkStart()) CheckSampling();
  const bool listed = !model_.manifests.empty() && model_.manifests.back() == order_->manifest_sha256;
  if (!listed) model_.manifests.push_back(order_->manifest_sha256);
  if (!AtChunkStart() || order_->chunk == 0) return TakeStep();
  Evaluate(EvaluationKind::kLookAhead, [this] { TakeStep(); });
}

// A snapshot may stand inside the chunk after the one whose scores are still pending: those are of the
// checkpoint.
void Trainer::StandWhereOrdered() {
  const auto resume = box_.disk().files.find(resume_path_);
  const bool back = order_->chunk == model_.cursor.chunk - 1 && !AtChunkStart();
  if (back && resume != box_.disk().files.end()) {
    model_ = resume->second->model;
    model_.lineage.push_back(resume->second->digest.hex);
    process().Tell(Cat("goes back to step ", model_.step, " for the scores of chunk ", order_->chunk));
    went_back_ = true;
  } else if (order_->chunk == model_.cursor.chunk && std::exchange(went_back_, false)) {
    FindSnapshot(model_.lineage.back());
    process().Tell(Cat("goes on from step ", model_.step));
  }
}

void Trainer::TakeStep() {
  if (stop_) return LeaveOrderly();
  process().Post(box_.options().timing.step, [this] { StepTaken(); });
}

void Trainer::StepTaken() {
  const Cursor before = model_.cursor;
  model_.weights = Learn(model_, order_->manifest_sha256);
  ++model_.step;
  model_.cursor = worker::Advance(before, StepsOf(box_.options()));
  model_.training_seconds += absl::ToDoubleSeconds(box_.options().timing.step);
  box_.checks().ledger.Stepped(box_.name(), before, model_);
  const int period = box_.options().evaluate_every_steps;
  if (period == 0 || model_.step % period != 0) return SaveAndGoOn(before);
  Evaluate(EvaluationKind::kValidation, [this, before] { SaveAndGoOn(before); });
}

void Trainer::SaveAndGoOn(const Cursor& before) {
  SaveWhereDue(before);
  if (!process().alive()) return;
  Progress(Phase::kTraining);
  if (model_.cursor.chunk == before.chunk) return TakeStep();
  Progress(Phase::kSaving);
  // The chunk's own save may have to wait for another; both end with the scores.
  if (!after_save_) after_save_ = [this] { ScoreHeldOut(); };
}

void Trainer::SaveWhereDue(const Cursor& before) {
  const Options& options = box_.options();
  const bool chunk_end = model_.cursor.chunk != before.chunk;
  const worker::ChunkSteps steps = StepsOf(options);
  const int64_t done = chunk_end ? steps.Total() : worker::StepInChunk(model_.cursor, steps);
  if (worker::OnRoundingGrid(done, steps.Total(), options.rounding_period)) {
    if (chunk_end && saving_) {
      // The chunk's end waits for the save under way, then saves itself.
      after_save_ = [this] {
        StartSave(SaveReason::kChunkEnd);
        after_save_ = [this] { ScoreHeldOut(); };
      };
    } else if (chunk_end || (save_requested_ && !saving_)) {
      StartSave(chunk_end ? SaveReason::kChunkEnd : SaveReason::kSaveNow);
    }
  }
  if (!chunk_end && box_.world().now() - last_snapshot_ >= options.timing.recovery_period) WriteSnapshot();
}

void Trainer::StartSave(SaveReason reason) {
  save_requested_ = false;
  saving_ = Save{CheckpointPath(specialist_, model_.step), model_, reason};
  process().Post(box_.options().timing.save, [this] { Saved(); });
}

void Trainer::Saved() {
  const Save save = *std::exchange(saving_, std::nullopt);
  if (box_.disk().full) {
    disk_was_full_ = true;
    return Fail(absl::StatusCode::kResourceExhausted, Cat(save.path, ": the disk is full"), true);
  }
  const BodyPtr file = MakeModelFile(save.model, "checkpoint");
  box_.disk().files[save.path] = file;
  model_.lineage.push_back(file->digest.hex);
  process().Tell(Cat("saved ", save.path, " ", ToString(save.reason), " ", file->digest.hex.substr(0, 8)));
  Emit(worker::TrainerSaved{id(),
                            {.specialist = specialist_,
                             .blob = file->digest,
                             .step = save.model.step,
                             .cursor = save.model.cursor,
                             .training_seconds = save.model.training_seconds,
                             .manifests = save.model.manifests,
                             .reason = save.reason},
                            save.path});
  if (const std::function<void()> then = std::exchange(after_save_, nullptr)) then();
}

void Trainer::ScoreHeldOut() {
  Evaluate(EvaluationKind::kHeldOut, [this] {
    Emit(worker::TrainerFinishedChunk{id(), {order_->chunk, model_.step, model_.training_seconds}});
    order_.reset();
    if (model_.cursor.chunk < static_cast<int>(box_.options().plan.chunks.size())) return WaitForOrder();
    Emit(worker::TrainerFinished{id()});
    Leave();
  });
}

void Trainer::Evaluate(EvaluationKind kind, std::function<void()> then) {
  Progress(Phase::kEvaluating);
  process().Post(box_.options().timing.evaluation, [this, kind, then = std::move(then)] {
    if (box_.disk().full)
      return Fail(absl::StatusCode::kResourceExhausted, "score table: the disk is full", true);
    const std::string step = kind == EvaluationKind::kValidation ? Cat("-step-", model_.step) : "";
    const std::string path = TablePath(specialist_, ToString(kind), order_->name + step);
    const BodyPtr table = MakeTextFile(
        Cat(ToString(kind), "|", specialist_, "|", order_->name, "|", model_.step, "|", model_.weights));
    box_.disk().files[path] = table;
    Evaluation evaluation;
    evaluation.specialist = specialist_;
    evaluation.kind = kind;
    evaluation.chunk = order_->chunk;
    evaluation.step = model_.step;
    evaluation.score_table = table->digest;
    evaluation.reals = evaluation.fakes = evaluation.families = 10;
    evaluation.auc = evaluation.auc_low = evaluation.auc_high = 0.75;
    if (kind == EvaluationKind::kHeldOut)
      evaluation.bias = Bias{.before = {}, .after = {}, .next_sampling = SamplingBehind(model_)};
    Emit(worker::TrainerEvaluated{id(), evaluation, path});
    then();
  });
}

void Trainer::CheckSampling() {
  const std::vector<SamplingWeight> asked =
      order_->chunk == 0 ? std::vector<SamplingWeight>() : SamplingBehind(model_);
  if (order_->sampling == asked) return;
  box_.world().Violate("I31 a chunk is sampled as the scores of the one before ask",
                       Cat(specialist_, " chunk ", order_->chunk, " of box ", box_.name(), " is given ",
                           order_->sampling.empty() ? "none" : "another sampling"));
}

void Trainer::LeaveOrderly() {
  if (saving_) {
    after_save_ = [this] { LeaveOrderly(); };
    return;
  }
  if (!AtChunkStart()) {
    if (box_.disk().full)
      return Fail(absl::StatusCode::kResourceExhausted, "recovery snapshot: the disk is full", true);
    WriteSnapshot();
  }
  Leave();
}

void Trainer::WriteSnapshot() {
  if (box_.disk().full) {
    disk_was_full_ = true;
    return;
  }
  last_snapshot_ = box_.world().now();
  box_.disk().files[SnapshotPath(specialist_, snapshot_number_++)] = MakeModelFile(model_, "snapshot");
}

void Trainer::Ended(bool in_order) {
  if (!loaded_) return;
  const Timing& timing = box_.options().timing;
  // Two saves: one that was under way when the snapshot was taken hides it, and one of its own.
  const absl::Duration unsafe = timing.recovery_period + 2 * timing.save + 3 * timing.step;
  const auto lost = static_cast<int64_t>(std::ceil(absl::FDivDuration(unsafe, timing.step)));
  const int64_t safe =
      disk_was_full_ || box_.disk().full ? -1 : std::max(started_at_step_, model_.step - lost);
  box_.checks().ledger.Ended(specialist_, {box_.name(), in_order, model_.step, safe});
}

void Trainer::Progress(Phase phase) {
  Emit(worker::TrainerMoved{id(),
                            {.phase = phase,
                             .cursor = model_.cursor,
                             .step = model_.step,
                             .chunk_steps = box_.options().steps_per_chunk(),
                             .loss = 0.5,
                             .training_seconds = model_.training_seconds}});
}

}  // namespace interceptor::simulation
