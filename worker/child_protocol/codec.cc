#include "worker/child_protocol/codec.h"

#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "common/base/status.h"
#include "common/io/config.h"

namespace interceptor::worker {
namespace {

using nlohmann::json;

// Each Fields names the fields of one value once; writing and reading are two visitors of the same list.
void Fields(auto& visit, Cursor& cursor) {
  visit("chunk", cursor.chunk);
  visit("epoch", cursor.epoch);
  visit("position", cursor.position);
  visit("seed", cursor.seed);
}

void Fields(auto& visit, Digest& blob) {
  visit("sha256", blob.hex);
  visit("size_bytes", blob.size_bytes);
}

void Fields(auto& visit, HelloEvent& hello) {
  visit("protocol", hello.protocol);
  visit("program", hello.program);
  visit("pid", hello.pid);
}

void Fields(auto& visit, FailedEvent& failed) {
  visit("code", failed.failure.code);
  visit("text", failed.failure.text);
  visit.Optional("retry", failed.failure.retryable);
}

void Fields(auto& visit, PreparerProgressEvent& progress) {
  Phase phase = Phase::kPreparing;
  visit("phase", phase);
  visit("done", progress.done);
  visit("total", progress.total);
  visit("quarantined", progress.quarantined);
}

void Fields(auto& visit, IntegratorProgressEvent& progress) {
  Phase phase = Phase::kIntegrating;
  visit("phase", phase);
  visit("done", progress.done);
  visit("total", progress.total);
}

void Fields(auto& visit, JoinedEvent& joined) {
  visit("specialists", joined.specialists);
  visit("absent", joined.absent);
}

void Fields(auto& visit, QuarantineEvent& quarantine) {
  visit("clip", quarantine.clip);
  visit("reason", quarantine.reason);
}

void Fields(auto& visit, GateEvent& gate) {
  visit("reals", gate.reals);
  visit("fakes", gate.fakes);
  visit("fake_share", gate.fake_share);
  visit("expected_fake_share", gate.expected_fake_share);
  visit("text", gate.text);
}

void Fields(auto& visit, ManifestEvent& manifest) {
  visit("path", manifest.path);
  Fields(visit, manifest.blob);
  visit("clips", manifest.clips);
  visit("families", manifest.families);
  visit("quarantined", manifest.quarantined);
}

void Fields(auto& visit, StartedEvent& started) {
  visit("specialist", started.specialist);
  visit("parameters", started.parameters);
  visit("threads", started.threads);
  visit("device", started.device);
  visit("cpu_capability", started.cpu_capability);
  visit("weights", started.weights);
  visit("digest", started.digest);
  visit("step", started.step);
  visit("cursor", started.cursor);
}

void Fields(auto& visit, ReadyEvent& ready) { visit("next_chunk", ready.next_chunk); }

void Fields(auto& visit, TrainerProgressEvent& event) {
  Progress& progress = event.progress;
  visit("phase", progress.phase);
  visit("chunk", event.chunk);
  visit("cursor", progress.cursor);
  visit("step", progress.step);
  visit("chunk_steps", progress.chunk_steps);
  visit("loss", progress.loss);
  visit("gradient_norm", progress.gradient_norm);
  visit("learning_rate", event.learning_rate);
  visit("samples_per_s", progress.samples_per_second);
  visit("data_wait_share", progress.data_wait_share);
  visit("training_s", progress.training_seconds);
}

void Fields(auto& visit, CheckpointEvent& event) {
  interceptor::Checkpoint& checkpoint = event.checkpoint;
  visit("path", event.path);
  Fields(visit, checkpoint.blob);
  visit("step", checkpoint.step);
  visit("cursor", checkpoint.cursor);
  visit("training_s", checkpoint.training_seconds);
  visit("reason", checkpoint.reason);
  visit("manifests", checkpoint.manifests);
  visit("stall_ms", event.stall_ms);
}

void Fields(auto& visit, EvaluationEvent& event) {
  Evaluation& evaluation = event.evaluation;
  visit("path", event.path);
  Fields(visit, evaluation.score_table);
  visit("kind", evaluation.kind);
  visit("chunk", evaluation.chunk);
  visit("step", evaluation.step);
  visit("reals", evaluation.reals);
  visit("fakes", evaluation.fakes);
  visit("families", evaluation.families);
  visit("auc", evaluation.auc);
  visit("auc_low", evaluation.auc_low);
  visit("auc_high", evaluation.auc_high);
  visit("log_loss", evaluation.log_loss);
  visit("real_accuracy", evaluation.real_accuracy);
  visit("fake_accuracy", evaluation.fake_accuracy);
  visit("too_few", evaluation.too_few);
}

void Fields(auto& visit, ChunkFinishedEvent& finished) {
  visit("chunk", finished.chunk);
  visit("step", finished.step);
  visit("training_s", finished.training_seconds);
}

void Fields(auto& visit, ChunkOrder& order) {
  visit("chunk", order.chunk);
  visit("name", order.name);
  visit("manifest_sha256", order.manifest_sha256);
  visit.Optional("last", order.last);
}

void Fields(auto&, FinishedEvent&) {}
void Fields(auto&, SaveCommand&) {}
void Fields(auto&, StopCommand&) {}

std::string ToWord(absl::StatusCode code) { return absl::StatusCodeToString(code); }
std::string ToWord(Phase phase) { return std::string(ToString(phase)); }
std::string ToWord(SaveReason reason) { return std::string(ToString(reason)); }
std::string ToWord(EvaluationKind kind) { return std::string(ToString(kind)); }

bool FromWord(std::string_view word, absl::StatusCode& code) {
  code = ParseStatusCode(word);
  return true;
}

template <typename Value>
bool Take(const std::optional<Value>& parsed, Value& value) {
  if (parsed.has_value()) value = *parsed;
  return parsed.has_value();
}
bool FromWord(std::string_view word, SaveReason& reason) { return Take(ParseSaveReason(word), reason); }
bool FromWord(std::string_view word, EvaluationKind& kind) { return Take(ParseEvaluationKind(word), kind); }

bool FromWord(std::string_view word, Phase& phase) {
  for (const Phase known :
       {Phase::kPreparing, Phase::kTraining, Phase::kEvaluating, Phase::kSaving, Phase::kIntegrating}) {
    if (word == ToString(known)) return Take(std::optional(known), phase);
  }
  return false;
}

class FieldWriter {
 public:
  template <typename Value>
  void operator()(const char* key, Value& value) {
    if constexpr (std::is_enum_v<Value>) {
      object[key] = ToWord(value);
    } else {
      object[key] = value;
    }
  }
  void operator()(const char* key, Cursor& cursor) {
    FieldWriter nested;
    Fields(nested, cursor);
    object[key] = std::move(nested.object);
  }
  template <typename Value>
  void Optional(const char* key, Value& value) {
    (*this)(key, value);
  }

  json object = json::object();
};

class FieldReader {
 public:
  FieldReader(const json& object, const std::string& what) : reader_(object, what) {}

  void operator()(const char* key, std::string& value) { value = reader_.String(key); }
  void operator()(const char* key, double& value) { value = reader_.Number(key); }
  void operator()(const char* key, bool& value) { value = reader_.Boolean(key); }
  void operator()(const char* key, std::vector<std::string>& values) {
    for (const json& item : reader_.Array(key)) {
      if (!item.is_string()) reader_.Fail(Cat("has something else than strings in \"", key, "\""));
      values.push_back(item.is_string() ? item.get<std::string>() : "");
    }
  }
  void operator()(const char* key, Cursor& cursor) {
    const json& object = reader_.Object(key);
    if (!reader_.status().ok()) return;
    FieldReader nested(object, "cursor");
    Fields(nested, cursor);
    if (!nested.reader_.status().ok()) reader_.Fail(Cat("has a fault: ", Message(nested.reader_.status())));
  }
  template <typename Value>
  void operator()(const char* key, Value& value) {
    if constexpr (std::is_enum_v<Value>) {
      const std::string word = reader_.String(key);
      if (!FromWord(word, value))
        reader_.Fail(Cat("has the key \"", key, "\" with the unknown word \"", word, "\""));
    } else {
      const int64_t wide = reader_.Integer(key);
      if (!std::in_range<Value>(wide))
        reader_.Fail(Cat("has the key \"", key, "\" with ", wide, ", out of range"));
      value = static_cast<Value>(wide);
    }
  }
  template <typename Value>
  void Optional(const char* key, Value& value) {
    if (reader_.Has(key)) (*this)(key, value);
  }

  JsonReader& reader() { return reader_; }

 private:
  JsonReader reader_;
};

template <typename Messages>
json Write(const char* kind, const Messages& message) {
  FieldWriter writer;
  std::visit(
      [&](auto copy) {
        writer.object[kind] = copy.kName;
        Fields(writer, copy);
      },
      message);
  return std::move(writer.object);
}

// The message of that name with its defaults; nothing when `Messages` has none.
template <typename Messages, size_t kIndex = 0>
std::optional<Messages> Make(std::string_view name) {
  if constexpr (kIndex == std::variant_size_v<Messages>) {
    return std::nullopt;
  } else {
    using Message = std::variant_alternative_t<kIndex, Messages>;
    if (name == Message::kName) return Messages(Message());
    return Make<Messages, kIndex + 1>(name);
  }
}

template <typename Event>
absl::StatusOr<std::optional<Event>> ReadEvent(const json& object) {
  JsonReader reader(object, "an event of a child process");
  const std::string name = reader.String("event");
  ICPT_RETURN_IF_ERROR(reader.status());
  std::optional<Event> event = Make<Event>(name);
  if (!event.has_value()) return event;
  FieldReader fields(object, Cat("the event ", name));
  std::visit([&](auto& known) { Fields(fields, known); }, *event);
  ICPT_RETURN_IF_ERROR(fields.reader().status());
  return event;
}

}  // namespace

json ToJson(const PreparerEvent& event) { return Write("event", event); }
json ToJson(const TrainerEvent& event) { return Write("event", event); }
json ToJson(const IntegratorEvent& event) { return Write("event", event); }
json ToJson(const Command& command) { return Write("command", command); }

absl::StatusOr<std::optional<PreparerEvent>> ReadPreparerEvent(const json& object) {
  return ReadEvent<PreparerEvent>(object);
}

absl::StatusOr<std::optional<TrainerEvent>> ReadTrainerEvent(const json& object) {
  return ReadEvent<TrainerEvent>(object);
}

absl::StatusOr<std::optional<IntegratorEvent>> ReadIntegratorEvent(const json& object) {
  return ReadEvent<IntegratorEvent>(object);
}

absl::StatusOr<Command> ReadCommand(const json& object) {
  FieldReader fields(object, "a command of the agent");
  std::string name;
  fields("command", name);
  std::optional<Command> command = Make<Command>(name);
  if (!command.has_value()) {
    fields.reader().Fail(Cat("is \"", name, "\", which is none of train_chunk, save, stop"));
    return fields.reader().status();
  }
  std::visit([&](auto& known) { Fields(fields, known); }, *command);
  ICPT_RETURN_IF_ERROR(fields.reader().Finish());
  return *std::move(command);
}

}  // namespace interceptor::worker
