#include "worker/agent/child_events.h"

#include <string_view>

#include "common/base/status.h"
#include "common/io/config.h"

namespace interceptor::worker {
namespace {

using nlohmann::json;

// A newer child may say more than is asked for here, so readers are not asked to finish; only missing keys
// and wrong types count, and those show in the first read that fails.
class EventReader {
 public:
  EventReader(const json& event, const std::string& kind) : event_(event), what_(Cat("event ", kind)) {}

  std::string String(const char* key) { return Get<std::string>(key, &json::is_string, "a string"); }
  double Number(const char* key) { return Get<double>(key, &json::is_number, "a number"); }
  int64_t Integer(const char* key) { return Get<int64_t>(key, &json::is_number_integer, "an integer"); }
  int Int(const char* key) { return static_cast<int>(Integer(key)); }
  bool Boolean(const char* key) { return Get<bool>(key, &json::is_boolean, "true or false"); }
  bool BooleanOr(const char* key, bool fallback) { return event_.contains(key) ? Boolean(key) : fallback; }

  Cursor ReadCursor() {
    const auto found = event_.find("cursor");
    if (found == event_.end() || !found->is_object()) {
      status_.Update(InvalidArgument(what_, ": cursor is missing or not an object"));
      return {};
    }
    EventReader nested(*found, "cursor");
    const Cursor cursor{nested.Int("chunk"), nested.Int("epoch"), nested.Integer("position"),
                        static_cast<uint64_t>(nested.Integer("seed"))};
    status_.Update(nested.status_);
    return cursor;
  }
  std::vector<std::string> Strings(const char* key) {
    std::vector<std::string> strings;
    const auto found = event_.find(key);
    if (found == event_.end() || !found->is_array()) {
      status_.Update(InvalidArgument(what_, ": ", key, " is missing or not an array"));
      return strings;
    }
    for (const json& each : *found) {
      if (each.is_string()) strings.push_back(each.get<std::string>());
    }
    return strings;
  }
  SaveReason Reason() {
    const std::optional<SaveReason> reason = ParseSaveReason(String("reason"));
    if (!reason.has_value())
      status_.Update(InvalidArgument(what_, ": reason is neither save_now nor chunk_end"));
    return reason.value_or(SaveReason::kSaveNow);
  }
  EvaluationKind Kind() {
    const std::optional<EvaluationKind> kind = ParseEvaluationKind(String("kind"));
    if (!kind.has_value())
      status_.Update(InvalidArgument(what_, ": kind is neither held_out nor look_ahead"));
    return kind.value_or(EvaluationKind::kHeldOut);
  }
  Digest Blob() { return {String("sha256"), Integer("size_bytes")}; }

  const absl::Status& status() const { return status_; }
  absl::StatusOr<std::optional<SessionInput>> Finish(SessionInput input) {
    if (!status_.ok()) return status_;
    return std::optional<SessionInput>(std::move(input));
  }

 private:
  template <typename T>
  T Get(const char* key, bool (json::*is)() const noexcept, std::string_view type) {
    const auto found = event_.find(key);
    if (found != event_.end() && ((*found).*is)()) return found->get<T>();
    status_.Update(InvalidArgument(what_, ": ", key, " is missing or not ", type));
    return T();
  }

  const json& event_;
  const std::string what_;
  absl::Status status_;
};

absl::StatusOr<std::optional<SessionInput>> Failed(ChildId child, EventReader reader) {
  ChildFailed failed{
      child,
      {ParseStatusCode(reader.String("code")), reader.String("text"), reader.BooleanOr("retry", true)}};
  return reader.Finish(std::move(failed));
}

absl::StatusOr<std::optional<SessionInput>> Moved(ChildId child, EventReader reader) {
  Progress moved;
  const std::string phase = reader.String("phase");
  moved.phase = phase == "evaluating" ? Phase::kEvaluating
                : phase == "saving"   ? Phase::kSaving
                                      : Phase::kTraining;
  moved.cursor = reader.ReadCursor();
  moved.step = reader.Integer("step");
  moved.chunk_steps = reader.Integer("chunk_steps");
  moved.loss = reader.Number("loss");
  moved.samples_per_second = reader.Number("samples_per_s");
  moved.data_wait_share = reader.Number("data_wait_share");
  moved.training_seconds = reader.Number("training_s");
  return reader.Finish(TrainerMoved{child, std::move(moved)});
}

absl::StatusOr<std::optional<SessionInput>> Saved(ChildId child, const std::string& specialist,
                                                  EventReader reader) {
  TrainerSaved saved;
  saved.child = child;
  saved.path = reader.String("path");
  saved.checkpoint = {.specialist = specialist,
                      .blob = reader.Blob(),
                      .step = reader.Integer("step"),
                      .cursor = reader.ReadCursor(),
                      .training_seconds = reader.Number("training_s"),
                      .manifests = reader.Strings("manifests"),
                      .reason = reader.Reason()};
  return reader.Finish(std::move(saved));
}

absl::StatusOr<std::optional<SessionInput>> Evaluated(ChildId child, const std::string& specialist,
                                                      EventReader reader) {
  TrainerEvaluated evaluated;
  evaluated.child = child;
  evaluated.path = reader.String("path");
  evaluated.evaluation = {.specialist = specialist,
                          .kind = reader.Kind(),
                          .chunk = reader.Int("chunk"),
                          .step = reader.Integer("step"),
                          .score_table = reader.Blob(),
                          .reals = reader.Int("reals"),
                          .fakes = reader.Int("fakes"),
                          .families = reader.Int("families"),
                          .auc = reader.Number("auc"),
                          .auc_low = reader.Number("auc_low"),
                          .auc_high = reader.Number("auc_high"),
                          .log_loss = reader.Number("log_loss"),
                          .real_accuracy = reader.Number("real_accuracy"),
                          .fake_accuracy = reader.Number("fake_accuracy"),
                          .too_few = reader.Boolean("too_few")};
  return reader.Finish(std::move(evaluated));
}

}  // namespace

absl::StatusOr<std::string> EventName(const json& event) {
  const auto name = event.find("event");
  if (name != event.end() && name->is_string()) return name->get<std::string>();
  return InvalidArgument("an event of a child process lacks its name, the text under the key \"event\"");
}

absl::StatusOr<std::optional<SessionInput>> FromTrainer(ChildId child, const std::string& specialist,
                                                        const json& event) {
  ICPT_ASSIGN_OR_RETURN(const std::string kind, EventName(event));
  EventReader reader(event, kind);
  if (kind == "ready") return reader.Finish(TrainerReady{child, reader.Int("next_chunk")});
  if (kind == "progress") return Moved(child, reader);
  if (kind == "checkpoint") return Saved(child, specialist, reader);
  if (kind == "evaluation") return Evaluated(child, specialist, reader);
  if (kind == "chunk_finished") {
    const ChunkFinished chunk{reader.Int("chunk"), reader.Integer("step"), reader.Number("training_s")};
    return reader.Finish(TrainerFinishedChunk{child, chunk});
  }
  if (kind == "finished") return std::optional<SessionInput>(TrainerFinished{child});
  if (kind == "failed") return Failed(child, reader);
  return std::optional<SessionInput>();
}

absl::StatusOr<std::optional<SessionInput>> FromPreparer(ChildId child, const json& event) {
  ICPT_ASSIGN_OR_RETURN(const std::string kind, EventName(event));
  EventReader reader(event, kind);
  if (kind == "progress") {
    const int64_t done = reader.Integer("done");
    const bool waiting = reader.Integer("total") == 0;
    return reader.Finish(PreparerMoved{child, waiting ? -1 : done});
  }
  if (kind == "failed") return Failed(child, reader);
  return std::optional<SessionInput>();
}

absl::StatusOr<std::optional<SessionInput>> FromIntegrator(ChildId child, const json& event) {
  ICPT_ASSIGN_OR_RETURN(const std::string kind, EventName(event));
  EventReader reader(event, kind);
  if (kind == "progress") return reader.Finish(IntegratorMoved{child, reader.Integer("done")});
  if (kind == "joined") return std::optional<SessionInput>(RoundJoined{child});
  if (kind == "failed") return Failed(child, reader);
  return std::optional<SessionInput>();
}

absl::StatusOr<std::optional<Note>> NoteOf(const json& event) {
  ICPT_ASSIGN_OR_RETURN(const std::string kind, EventName(event));
  EventReader reader(event, kind);
  std::optional<Note> note;
  if (kind == "started") {
    note = Note{false, Cat("trainer started from ", reader.String("weights"), " at step ",
                           reader.Integer("step"), " on ", reader.String("device"))};
  } else if (kind == "gate") {
    note = Note{false, reader.String("text")};
  } else if (kind == "quarantine") {
    note = Note{true, Cat("quarantined ", reader.String("clip"), ": ", reader.String("reason"))};
  }
  ICPT_RETURN_IF_ERROR(reader.status());
  return note;
}

json ToCommand(const GiveChunk& give) {
  return {{"command", "train_chunk"},
          {"chunk", give.chunk},
          {"name", give.name},
          {"manifest_sha256", give.manifest_sha256},
          {"last", give.last}};
}

}  // namespace interceptor::worker
