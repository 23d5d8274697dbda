// What holders of tasks report as facts: manifests, evaluations, finished chunks, failures. Order of checks:
// the stream, the request id (a retry of an accepted one is OK whatever has happened since), the term, the
// content, the vault.
#include <cmath>

#include "common/base/ids.h"
#include "common/base/status.h"
#include "coordinator/core/decide_parts.h"
#include "coordinator/core/leases.h"
#include "coordinator/core/limits.h"
#include "coordinator/core/queries.h"
#include "coordinator/core/requests.h"
#include "coordinator/core/retention.h"
#include "coordinator/core/rounds.h"

namespace interceptor::coordinator {
namespace {

absl::Status CheckManifest(const State& state, const DataManifest& manifest) {
  const int* index = FindIn(state.soft.index.chunks, manifest.chunk);
  if (index == nullptr) {
    return InvalidArgument("manifest.chunk '", CleanText(manifest.chunk), "' is not in the plan");
  }
  ICPT_RETURN_IF_ERROR(CheckBlob("manifest.blob", manifest.blob));
  ICPT_RETURN_IF_ERROR(Annotate(ValidateDigestHex(manifest.chunk_sha256), "manifest.chunk_sha256"));
  if (manifest.clips < 0 || manifest.families < 0 || manifest.quarantined < 0) {
    return InvalidArgument("manifest counts of chunk ", manifest.chunk, " must be 0 or more");
  }
  if (manifest.view_bytes.size() > kViewsMax) {
    return InvalidArgument("manifest.view_bytes names ", manifest.view_bytes.size(),
                           " views, allowed: ", kViewsMax);
  }
  for (const auto& [view, bytes] : manifest.view_bytes) {
    ICPT_RETURN_IF_ERROR(Annotate(ValidateName("view", view), "manifest.view_bytes"));
    if (bytes < 0)
      return InvalidArgument("manifest.view_bytes of ", view, " is ", bytes, ", allowed: 0 or more");
  }
  if (*index == 0) return absl::OkStatus();
  const std::string& before = state.soft.plan.chunks[*index - 1].name;
  if (!ChunkOf(state, before).manifest) {
    return FailedPrecondition("the manifest of chunk ", manifest.chunk,
                              " is made against those before it, and ", before,
                              " has none yet: propose that one first");
  }
  return absl::OkStatus();
}

// A zip's digest that nobody reported yet is fixed by the first manifest made from it.
absl::Status CheckChunkBytes(Draft& draft, const Session& session, const DataManifest& manifest) {
  const std::string& sha256 = ChunkOf(draft.state, manifest.chunk).sha256;
  if (sha256.empty()) {
    draft.Record(ChunkDigestFixed{manifest.chunk, manifest.chunk_sha256, 0, session.box});
    return absl::OkStatus();
  }
  if (sha256 == manifest.chunk_sha256) return absl::OkStatus();
  return FailedPrecondition("chunk ", manifest.chunk, " of this box has digest ", manifest.chunk_sha256,
                            ", the plan's has ", sha256, ": copy the right file");
}

// A child that starts again at a chunk's end tells the scores of it once more, under an id of its own.
bool IsRecorded(const State& state, Evaluation evaluation) {
  const EvaluationKey key{evaluation.specialist, evaluation.kind, evaluation.chunk};
  const Evaluation* known = FindIn(state.facts.evaluations, key);
  if (known != nullptr) evaluation.recorded_at = known->recorded_at;
  return known != nullptr && evaluation == *known;
}

bool AreFinite(const Gap& gap) {
  return std::isfinite(gap.estimate) && std::isfinite(gap.low) && std::isfinite(gap.high);
}

// A short line that people can read.
bool IsLabel(const std::string& text) { return text.size() <= kNameBytesMax && CleanText(text) == text; }

absl::Status CheckReport(const BiasReport& report) {
  bool well = report.reals >= 0 && report.fakes >= 0 && report.abstained >= 0 &&
              AreFinite(report.real_fake) && std::isfinite(report.spread) &&
              std::isfinite(report.called_fake);
  for (const SliceBias& slice : report.slices) {
    well = well && IsLabel(slice.attribute) && IsLabel(slice.slice) && slice.reals >= 0 && slice.fakes >= 0 &&
           AreFinite(slice.real_fake) && AreFinite(slice.false_positive) && AreFinite(slice.false_negative) &&
           std::isfinite(slice.auc) && std::isfinite(slice.false_positive_p) &&
           std::isfinite(slice.false_negative_p);
  }
  if (!well) {
    return InvalidArgument(
        "evaluation.bias: counts are allowed 0 or more, figures finite, names one line of up to ",
        kNameBytesMax, " bytes");
  }
  if (report.slices.size() <= kSlicesMax) return absl::OkStatus();
  return InvalidArgument("evaluation.bias names ", report.slices.size(), " slices, allowed: ", kSlicesMax);
}

absl::Status CheckBias(const Bias& bias) {
  ICPT_RETURN_IF_ERROR(CheckReport(bias.before));
  ICPT_RETURN_IF_ERROR(CheckReport(bias.after));
  double total = 0;
  for (const SamplingWeight& weight : bias.next_sampling) {
    if (!(weight.share > 0) || !IsLabel(weight.attribute) || !IsLabel(weight.slice)) {
      return InvalidArgument("evaluation.bias: a sampling weight's share is ", weight.share,
                             ", allowed: above 0; its names are one line of up to ", kNameBytesMax, " bytes");
    }
    total += weight.share;
  }
  if (bias.next_sampling.size() <= kSlicesMax && total <= kSamplingShareMax) return absl::OkStatus();
  return InvalidArgument("evaluation.bias: ", bias.next_sampling.size(), " sampling weights of ", total,
                         " together, allowed: ", kSlicesMax, " of ", kSamplingShareMax);
}

absl::Status CheckEvaluation(const State& state, const TaskRef& ref, const Evaluation& e) {
  if (e.specialist != SpecialistOf(ref.task)) {
    return InvalidArgument("evaluation.specialist is '", CleanText(e.specialist), "', the task is ",
                           ref.task);
  }
  const int chunks = static_cast<int>(state.soft.plan.chunks.size());
  if (e.chunk < 0 || e.chunk >= chunks) {
    return InvalidArgument("evaluation.chunk is ", e.chunk, ", allowed: 0 to ", chunks - 1);
  }
  if (e.step < 0 || e.reals < 0 || e.fakes < 0 || e.families < 0) {
    return InvalidArgument("evaluation counts of ", e.specialist, " must be 0 or more");
  }
  for (const double share : {e.auc, e.auc_low, e.auc_high, e.real_accuracy, e.fake_accuracy}) {
    if (!(share >= 0 && share <= 1)) {
      return InvalidArgument("evaluation of ", e.specialist, ": auc, its interval and the accuracies are ",
                             "allowed 0 to 1, one is ", share);
    }
  }
  for (const double loss : {e.log_loss, e.log_loss_low, e.log_loss_high}) {
    if (!std::isfinite(loss) || loss < 0) {
      return InvalidArgument("evaluation.log_loss and its interval are allowed 0 or more, one is ", loss);
    }
  }
  if (!std::isfinite(e.rise_low) || !std::isfinite(e.rise_high) || e.best_step < 0 || e.worse_in_a_row < 0) {
    return InvalidArgument(
        "evaluation of ", e.specialist,
        ": best_step and worse_in_a_row are allowed 0 or more, rise_low and rise_high finite");
  }
  if (e.bias) ICPT_RETURN_IF_ERROR(CheckBias(*e.bias));
  return CheckBlob("evaluation.score_table", e.score_table);
}

// The last holder may still report on a task that is done.
absl::Status CheckReporter(const State& state, const Session& session, const TaskRef& ref) {
  const TaskFacts& task = TaskOf(state, ref.task);
  const bool just_done = task.done && task.term == ref.term && task.last_box == session.box;
  return just_done ? absl::OkStatus() : CheckHolder(state, session.box, ref);
}

absl::Status CheckFinished(const State& state, const ChunkFinished& command) {
  const std::string& name = command.task.task;
  const int next = TaskOf(state, name).next_chunk;
  const auto& chunks = state.soft.plan.chunks;
  if (command.chunk != next) {
    return FailedPrecondition(name, " finished chunk index ", command.chunk, ", the next unfinished one is ",
                              next, ": chunks come in order");
  }
  if (command.step < 0 || !std::isfinite(command.training_seconds) || command.training_seconds < 0) {
    return InvalidArgument("chunk_finished.step and training_seconds must be 0 or more");
  }
  if (name == kIntegrateTask) {
    if (RoundIsReady(state, next)) return absl::OkStatus();
    return FailedPrecondition("round ", next, " is not ready: ", RoundWaitsFor(state, next));
  }
  if (!ChunkOf(state, chunks[next].name).manifest) {
    return FailedPrecondition("chunk ", chunks[next].name, " has no committed manifest: propose it first");
  }
  // Damaged since or not: the holder has trained that chunk, and goes on from its own memory.
  const CheckpointFacts* newest = NewestCommitted(state, SpecialistOf(name));
  if (newest == nullptr || ChunksCovered(newest->checkpoint) <= next) {
    return FailedPrecondition(name, " has no committed checkpoint of the end of chunk ", chunks[next].name,
                              ": publish it first");
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status CheckBlob(std::string_view field, const Digest& blob) {
  ICPT_RETURN_IF_ERROR(Annotate(ValidateDigestHex(blob.hex), field));
  if (blob.size_bytes > 0) return absl::OkStatus();
  return InvalidArgument(field, ".size_bytes is ", blob.size_bytes, ", allowed: 1 or more");
}

absl::Status CheckInVault(const Digest& blob, bool verified) {
  if (verified) return absl::OkStatus();
  return FailedPrecondition("blob ", blob.hex, " is not in the vault: upload it and send this again");
}

absl::Status CheckCursor(const State& state, std::string_view field, const Cursor& cursor) {
  const int chunks = static_cast<int>(state.soft.plan.chunks.size());
  if (cursor.chunk >= 0 && cursor.chunk <= chunks && cursor.epoch >= 0 && cursor.position >= 0) {
    return absl::OkStatus();
  }
  return InvalidArgument(field, " is (", cursor.chunk, ", ", cursor.epoch, ", ", cursor.position,
                         "), allowed: chunk 0 to ", chunks, ", others 0 or more");
}

void RenewByWork(Draft& draft, SessionId session, const TaskRef& task) {
  draft.Note(SessionSeen{session, draft.now});
  const TaskFacts& facts = TaskOf(draft.state, task.task);
  if (!facts.holder) return;
  if (facts.holder->lease_dead) draft.Record(LeaseReclaimed{task});
  draft.Note(LeaseRenewed{task.task, draft.now});
}

absl::Status DecideOn(Draft& draft, const ManifestProposed& command) {
  const State& state = draft.state;
  const DataManifest& manifest = command.manifest;
  ICPT_ASSIGN_OR_RETURN(const Session* session, OpenSession(state, command.session));
  const std::string content = Cat("manifest|", manifest.chunk, "|", manifest.blob.hex);
  ICPT_ASSIGN_OR_RETURN(const RequestCheck request,
                        CheckRequest(state, command.request_id, content, RequestId::kRequired));
  if (request.known) return absl::OkStatus();
  ICPT_RETURN_IF_ERROR(CheckHolder(state, session->box, command.task));
  ICPT_RETURN_IF_ERROR(CheckManifest(state, manifest));
  if (const std::optional<DataManifest>& first = ChunkOf(state, manifest.chunk).manifest) {
    if (first->blob != manifest.blob) {
      return FailedPrecondition("the manifest of chunk ", manifest.chunk, " differs: this box made ",
                                manifest.blob.hex, ", committed is ", first->blob.hex,
                                ": compare the two blobs");
    }
    RenewByWork(draft, command.session, command.task);
    return absl::OkStatus();
  }
  ICPT_RETURN_IF_ERROR(CheckChunkBytes(draft, *session, manifest));
  ICPT_RETURN_IF_ERROR(CheckInVault(manifest.blob, command.blob_verified));
  draft.Record(ManifestCommitted{manifest, session->box}, request.mark);
  RenewByWork(draft, command.session, command.task);
  for (const auto& [id, other] : state.soft.sessions) draft.Send(id, ManifestFact{manifest});
  return absl::OkStatus();
}

absl::Status DecideOn(Draft& draft, const EvaluationReported& command) {
  const State& state = draft.state;
  Evaluation evaluation = command.evaluation;
  ICPT_ASSIGN_OR_RETURN(const Session* session, OpenSession(state, command.session));
  const std::string content = Cat("evaluation|", evaluation.specialist, "|", ToString(evaluation.kind), "|",
                                  evaluation.chunk, "|", evaluation.score_table.hex);
  ICPT_ASSIGN_OR_RETURN(const RequestCheck request,
                        CheckRequest(state, command.request_id, content, RequestId::kRequired));
  if (request.known) return absl::OkStatus();
  ICPT_RETURN_IF_ERROR(CheckReporter(state, *session, command.task));
  ICPT_RETURN_IF_ERROR(CheckEvaluation(state, command.task, evaluation));
  if (IsRecorded(state, evaluation)) {
    RenewByWork(draft, command.session, command.task);
    return absl::OkStatus();
  }
  ICPT_RETURN_IF_ERROR(CheckInVault(evaluation.score_table, command.blob_verified));
  evaluation.recorded_at = draft.wall_time;
  draft.Record(EvaluationRecorded{evaluation}, request.mark);
  RenewByWork(draft, command.session, command.task);
  return absl::OkStatus();
}

absl::Status DecideOn(Draft& draft, const ChunkFinished& command) {
  const State& state = draft.state;
  ICPT_ASSIGN_OR_RETURN(const Session* session, OpenSession(state, command.session));
  const std::string content = Cat("finished|", command.task.task, "|", command.chunk);
  ICPT_ASSIGN_OR_RETURN(const RequestCheck request,
                        CheckRequest(state, command.request_id, content, RequestId::kRequired));
  if (request.known) return absl::OkStatus();
  ICPT_RETURN_IF_ERROR(CheckHolder(state, session->box, command.task));
  ICPT_RETURN_IF_ERROR(CheckFinished(state, command));
  const bool last = command.chunk + 1 == static_cast<int>(state.soft.plan.chunks.size());
  RenewByWork(draft, command.session, command.task);
  draft.Record(ChunkCompleted{.task = command.task,
                              .chunk = command.chunk,
                              .step = command.step,
                              .training_seconds = command.training_seconds,
                              .last = last},
               request.mark);
  return absl::OkStatus();
}

absl::Status DecideOn(Draft& draft, const TaskFailed& command) {
  const State& state = draft.state;
  ICPT_ASSIGN_OR_RETURN(const Session* session, OpenSession(state, command.session));
  const std::string content =
      Cat("failed|", command.task.task, "|", command.failure.code, "|", command.failure.text);
  ICPT_ASSIGN_OR_RETURN(const RequestCheck request,
                        CheckRequest(state, command.request_id, content, RequestId::kRequired));
  if (request.known) return absl::OkStatus();
  ICPT_RETURN_IF_ERROR(CheckHolder(state, session->box, command.task));
  draft.Note(SessionSeen{command.session, draft.now});
  Failure failure = command.failure;
  failure.text = CleanText(failure.text);
  RecordFailure(draft, command.task, failure, request.mark);
  if (failure.code == absl::StatusCode::kDataLoss) ReadNewestBack(draft, SpecialistOf(command.task.task));
  return absl::OkStatus();
}

}  // namespace interceptor::coordinator
