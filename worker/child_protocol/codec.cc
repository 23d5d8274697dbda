#include "worker/child_protocol/codec.h"

#include <string>
#include <string_view>
#include <utility>

#include "common/base/status.h"
#include "common/io/json_fields.h"
#include "worker/child_protocol/fact_fields.h"

namespace interceptor::worker {
namespace {

using nlohmann::json;

// Each Fields names the fields of one value once; writing and reading are two visitors of the same list.
void Fields(auto& visit, HelloEvent& hello) {
  visit("protocol", hello.protocol);
  visit("program", hello.program);
  visit("pid", hello.pid);
}

void Fields(auto& visit, FailedEvent& failed) {
  std::string code = absl::StatusCodeToString(failed.failure.code);
  visit("code", code);
  failed.failure.code = ParseStatusCode(code);
  visit("text", failed.failure.text);
  visit.Optional("retry", failed.failure.retryable);
}

void Fields(auto& visit, PreparerProgressEvent& progress) {
  Phase phase = Phase::kPreparing;
  visit.Name("phase", phase, ParsePhase);
  visit("done", progress.done);
  visit("total", progress.total);
  visit("quarantined", progress.quarantined);
}

void Fields(auto& visit, IntegratorProgressEvent& progress) {
  Phase phase = Phase::kIntegrating;
  visit.Name("phase", phase, ParsePhase);
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
  visit.Object("cursor", [&](auto& nested) { Fields(nested, started.cursor); });
}

void Fields(auto& visit, ReadyEvent& ready) { visit("next_chunk", ready.next_chunk); }

void Fields(auto& visit, TrainerProgressEvent& event) {
  Progress& progress = event.progress;
  visit.Name("phase", progress.phase, ParsePhase);
  visit("chunk", event.chunk);
  visit.Object("cursor", [&](auto& nested) { Fields(nested, progress.cursor); });
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
  visit.Object("cursor", [&](auto& nested) { Fields(nested, checkpoint.cursor); });
  visit("training_s", checkpoint.training_seconds);
  visit.Name("reason", checkpoint.reason, ParseSaveReason);
  visit("manifests", checkpoint.manifests);
  visit("stall_ms", event.stall_ms);
}

void Fields(auto& visit, EvaluationEvent& event) {
  Evaluation& evaluation = event.evaluation;
  visit("path", event.path);
  Fields(visit, evaluation.score_table);
  visit.Name("kind", evaluation.kind, ParseEvaluationKind);
  FigureFields(visit, evaluation);
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
  visit.OptionalList("sampling", order.sampling, [](auto& nested, auto& weight) { Fields(nested, weight); });
}

void Fields(auto&, FinishedEvent&) {}
void Fields(auto&, SaveCommand&) {}
void Fields(auto&, StopCommand&) {}

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

}  // namespace

json ToJson(const PreparerEvent& event) { return Write("event", event); }
json ToJson(const TrainerEvent& event) { return Write("event", event); }
json ToJson(const IntegratorEvent& event) { return Write("event", event); }
json ToJson(const Command& command) { return Write("command", command); }

template <typename Event>
absl::StatusOr<std::optional<Event>> ReadEvent(const json& object) {
  JsonReader reader(object, "an event of a child process");
  const std::string name = reader.String("event");
  ICPT_RETURN_IF_ERROR(reader.status());
  std::optional<Event> event = Make<Event>(name);
  if (!event.has_value()) return event;
  FieldReader fields(object, Cat("the event ", name));
  std::visit([&](auto& known) { Fields(fields, known); }, *event);
  ICPT_RETURN_IF_ERROR(fields.status());
  return event;
}

template absl::StatusOr<std::optional<PreparerEvent>> ReadEvent(const json& object);
template absl::StatusOr<std::optional<TrainerEvent>> ReadEvent(const json& object);
template absl::StatusOr<std::optional<IntegratorEvent>> ReadEvent(const json& object);

absl::StatusOr<Command> ReadCommand(const json& object) {
  FieldReader fields(object, "a command of the agent");
  std::string name;
  fields("command", name);
  std::optional<Command> command = Make<Command>(name);
  if (!command.has_value()) {
    fields.reader().Fail(Cat("is \"", name, "\", which is none of train_chunk, save, stop"));
    return fields.status();
  }
  std::visit([&](auto& known) { Fields(fields, known); }, *command);
  ICPT_RETURN_IF_ERROR(fields.Finish());
  return *std::move(command);
}

}  // namespace interceptor::worker
