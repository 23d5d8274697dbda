#include "worker/agent/run_memory.h"

#include <algorithm>
#include <set>

#include "common/base/log.h"
#include "common/base/status.h"
#include "common/io/atomic_file.h"
#include "common/io/config.h"
#include "worker/child_protocol/run_folder.h"
#include "worker/session/outbox.h"

namespace interceptor::worker {
namespace {

using nlohmann::json;

constexpr int kVersion = 1;

json ToJson(const Digest& digest) { return {{"sha256", digest.hex}, {"size_bytes", digest.size_bytes}}; }

Digest ReadDigest(JsonReader& reader, std::string_view key) {
  const json& object = reader.Object(key);
  if (!object.is_object()) return {};
  JsonReader nested(object, "digest");
  return {nested.String("sha256"), nested.Integer("size_bytes")};
}

struct FactWriter {
  json operator()(const DataManifest&) const {
    return {{"kind", "manifest"}};
  }  // never part of a run's memory
  json operator()(const Checkpoint& fact) const {
    return {{"kind", "checkpoint"},
            {"specialist", fact.specialist},
            {"blob", ToJson(fact.blob)},
            {"step", fact.step},
            {"chunk", fact.cursor.chunk},
            {"epoch", fact.cursor.epoch},
            {"position", fact.cursor.position},
            {"seed", fact.cursor.seed},
            {"training_seconds", fact.training_seconds},
            {"manifests", fact.manifests},
            {"reason", ToString(fact.reason)}};
  }
  json operator()(const Evaluation& fact) const {
    return {{"kind", "evaluation"},
            {"specialist", fact.specialist},
            {"split", ToString(fact.kind)},
            {"blob", ToJson(fact.score_table)},
            {"chunk", fact.chunk},
            {"step", fact.step},
            {"reals", fact.reals},
            {"fakes", fact.fakes},
            {"families", fact.families},
            {"auc", fact.auc},
            {"auc_low", fact.auc_low},
            {"auc_high", fact.auc_high},
            {"log_loss", fact.log_loss},
            {"real_accuracy", fact.real_accuracy},
            {"fake_accuracy", fact.fake_accuracy},
            {"too_few", fact.too_few}};
  }
  json operator()(const ChunkFinished& fact) const {
    return {{"kind", "chunk_finished"},
            {"chunk", fact.chunk},
            {"step", fact.step},
            {"training_seconds", fact.training_seconds}};
  }
  json operator()(const Failure& fact) const {
    return {{"kind", "failure"},
            {"code", absl::StatusCodeToString(fact.code)},
            {"text", fact.text},
            {"retryable", fact.retryable}};
  }
};

Checkpoint ReadCheckpoint(JsonReader& reader) {
  Checkpoint fact;
  fact.specialist = reader.String("specialist");
  fact.blob = ReadDigest(reader, "blob");
  fact.step = reader.Integer("step");
  fact.cursor.chunk = static_cast<int>(reader.Integer("chunk"));
  fact.cursor.epoch = static_cast<int>(reader.Integer("epoch"));
  fact.cursor.position = reader.Integer("position");
  fact.cursor.seed = static_cast<uint64_t>(reader.Integer("seed"));
  fact.training_seconds = reader.Number("training_seconds");
  for (const json& manifest : reader.Array("manifests")) {
    if (manifest.is_string()) fact.manifests.push_back(manifest.get<std::string>());
  }
  const std::optional<SaveReason> reason = ParseSaveReason(reader.String("reason"));
  if (!reason.has_value()) reader.Fail("reason is neither save_now nor chunk_end");
  fact.reason = reason.value_or(SaveReason::kSaveNow);
  return fact;
}

Evaluation ReadEvaluation(JsonReader& reader) {
  Evaluation fact;
  fact.specialist = reader.String("specialist");
  const std::optional<EvaluationKind> kind = ParseEvaluationKind(reader.String("split"));
  if (!kind.has_value()) reader.Fail("split is neither held_out nor look_ahead");
  fact.kind = kind.value_or(EvaluationKind::kHeldOut);
  fact.score_table = ReadDigest(reader, "blob");
  fact.chunk = static_cast<int>(reader.Integer("chunk"));
  fact.step = reader.Integer("step");
  fact.reals = static_cast<int>(reader.Integer("reals"));
  fact.fakes = static_cast<int>(reader.Integer("fakes"));
  fact.families = static_cast<int>(reader.Integer("families"));
  fact.auc = reader.Number("auc");
  fact.auc_low = reader.Number("auc_low");
  fact.auc_high = reader.Number("auc_high");
  fact.log_loss = reader.Number("log_loss");
  fact.real_accuracy = reader.Number("real_accuracy");
  fact.fake_accuracy = reader.Number("fake_accuracy");
  fact.too_few = reader.Boolean("too_few");
  return fact;
}

absl::StatusOr<RunMemory::Fact> ReadFact(const json& object) {
  JsonReader reader(object, "unpublished.json: fact");
  RunMemory::Fact fact;
  fact.path = reader.String("path");
  const std::string kind = reader.String("kind");
  if (kind == "checkpoint") {
    fact.body = ReadCheckpoint(reader);
  } else if (kind == "evaluation") {
    fact.body = ReadEvaluation(reader);
  } else if (kind == "chunk_finished") {
    ChunkFinished finished;
    finished.chunk = static_cast<int>(reader.Integer("chunk"));
    finished.step = reader.Integer("step");
    finished.training_seconds = reader.Number("training_seconds");
    fact.body = finished;
  } else if (kind == "failure") {
    Failure failure;
    failure.code = ParseStatusCode(reader.String("code"));
    failure.text = reader.String("text");
    failure.retryable = reader.Boolean("retryable");
    fact.body = failure;
  } else {
    return InvalidArgument("unpublished.json: unknown kind '", kind, "'");
  }
  ICPT_RETURN_IF_ERROR(reader.Finish());
  return fact;
}

bool IsThere(const FileSystem& files, const std::string& path, int64_t size_bytes) {
  const auto info = files.Stat(path);
  return info.ok() && info->size_bytes == size_bytes;
}

}  // namespace

std::string RunMemoryToJson(const RunMemory& memory) {
  json object = {{"version", kVersion}, {"next_chunk", memory.next_chunk}};
  object["files"] = json::array();
  for (const RunMemory::File& file : memory.files) {
    object["files"].push_back({{"blob", ToJson(file.blob)}, {"path", file.path}, {"step", file.step}});
  }
  object["unpublished"] = json::array();
  for (const RunMemory::Fact& fact : memory.unpublished) {
    json entry = std::visit(FactWriter{}, fact.body);
    entry["path"] = fact.path;
    object["unpublished"].push_back(std::move(entry));
  }
  return object.dump(1) + "\n";
}

absl::StatusOr<RunMemory> ParseRunMemory(std::string_view text) {
  ICPT_ASSIGN_OR_RETURN(const json object, ParseJsonObject(text));
  JsonReader reader(object, "unpublished.json");
  if (reader.Integer("version") > kVersion) {
    return FailedPrecondition(
        "unpublished.json was written by a newer version of this program: use that one");
  }
  RunMemory memory;
  memory.next_chunk = static_cast<int>(reader.Integer("next_chunk"));
  for (const json& entry : reader.Array("files")) {
    JsonReader file(entry, "unpublished.json: file");
    memory.files.push_back({ReadDigest(file, "blob"), file.String("path"), file.Integer("step")});
    ICPT_RETURN_IF_ERROR(file.Finish());
  }
  for (const json& entry : reader.Array("unpublished")) {
    ICPT_ASSIGN_OR_RETURN(RunMemory::Fact fact, ReadFact(entry));
    memory.unpublished.push_back(std::move(fact));
  }
  ICPT_RETURN_IF_ERROR(reader.Finish());
  return memory;
}

absl::Status StoreRunMemory(const FileSystem& files, const std::string& run_folder, const RunMemory& memory) {
  if (memory.empty()) return files.Remove(UnpublishedPath(run_folder));
  ICPT_RETURN_IF_ERROR(files.MakeFolder(run_folder));
  return WriteFileAtomically(files, UnpublishedPath(run_folder), RunMemoryToJson(memory));
}

RunMemory LoadRunMemory(const FileSystem& files, const std::string& run_folder) {
  RunMemory memory;
  const auto text = ReadWholeFile(files, UnpublishedPath(run_folder));
  if (text.ok()) {
    auto parsed = ParseRunMemory(*text);
    if (parsed.ok()) {
      memory = *std::move(parsed);
    } else {
      ICPT_LOG(kWarning) << run_folder << ": " << Message(parsed.status())
                         << "; starting from what was published";
    }
  }
  std::erase_if(memory.files, [&files](const RunMemory::File& file) {
    return !IsThere(files, file.path, file.blob.size_bytes);
  });
  std::erase_if(memory.unpublished, [&files](const RunMemory::Fact& fact) {
    const Digest* blob = BlobOf(fact.body);
    return blob != nullptr && !IsThere(files, fact.path, blob->size_bytes);
  });
  // A killed agent never heard of them, or did not come to remove them.
  std::set<std::string> known;
  for (const RunMemory::File& file : memory.files) known.insert(file.path);
  RemoveUnknownCheckpoints(files, run_folder, known);
  return memory;
}

}  // namespace interceptor::worker
