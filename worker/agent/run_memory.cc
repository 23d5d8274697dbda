#include "worker/agent/run_memory.h"

#include <algorithm>
#include <set>

#include "common/base/log.h"
#include "common/base/status.h"
#include "common/io/atomic_file.h"
#include "common/io/json_fields.h"
#include "worker/child_protocol/fact_fields.h"
#include "worker/child_protocol/run_folder.h"
#include "worker/session/outbox.h"

namespace interceptor::worker {
namespace {

using nlohmann::json;

constexpr int kVersion = 1;

// Of each alternative of Publication.
constexpr const char* kKinds[] = {"manifest", "checkpoint", "evaluation", "chunk_finished", "failure"};

void BlobField(auto& visit, Digest& blob) {
  visit.Object("blob", [&](auto& nested) { Fields(nested, blob); });
}

void Fields(auto&, DataManifest&) {}  // never part of a run's memory

void Fields(auto& visit, Checkpoint& fact) {
  visit("specialist", fact.specialist);
  BlobField(visit, fact.blob);
  visit("step", fact.step);
  Fields(visit, fact.cursor);
  visit("training_seconds", fact.training_seconds);
  visit("manifests", fact.manifests);
  visit.Name("reason", fact.reason, ParseSaveReason);
}

void Fields(auto& visit, Evaluation& fact) {
  visit("specialist", fact.specialist);
  visit.Name("split", fact.kind, ParseEvaluationKind);
  BlobField(visit, fact.score_table);
  FigureFields(visit, fact);
}

void Fields(auto& visit, ChunkFinished& fact) {
  visit("chunk", fact.chunk);
  visit("step", fact.step);
  visit("training_seconds", fact.training_seconds);
}

void Fields(auto& visit, Failure& fact) {
  std::string code = absl::StatusCodeToString(fact.code);
  visit("code", code);
  fact.code = ParseStatusCode(code);
  visit("text", fact.text);
  visit("retryable", fact.retryable);
}

void Fields(auto& visit, RunMemory::File& file) {
  BlobField(visit, file.blob);
  visit("path", file.path);
  visit("step", file.step);
}

void Fields(auto& visit, RunMemory::Fact& fact) {
  visit("path", fact.path);
  std::visit([&](auto& body) { Fields(visit, body); }, fact.body);
}

absl::StatusOr<RunMemory::Fact> ReadFact(const json& object) {
  FieldReader reader(object, "unpublished.json: fact");
  std::string kind;
  reader("kind", kind);
  RunMemory::Fact fact;
  if (kind == kKinds[1]) {
    fact.body = Checkpoint();
  } else if (kind == kKinds[2]) {
    fact.body = Evaluation();
  } else if (kind == kKinds[3]) {
    fact.body = ChunkFinished();
  } else if (kind == kKinds[4]) {
    fact.body = Failure();
  } else {
    return InvalidArgument("unpublished.json: unknown kind '", kind, "'");
  }
  Fields(reader, fact);
  ICPT_RETURN_IF_ERROR(reader.reader().Finish());
  return fact;
}

json Written(auto value) {
  FieldWriter writer;
  Fields(writer, value);
  return std::move(writer.object);
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
    object["files"].push_back(Written(file));
  }
  object["unpublished"] = json::array();
  for (const RunMemory::Fact& fact : memory.unpublished) {
    object["unpublished"].push_back(Written(fact));
    object["unpublished"].back()["kind"] = kKinds[fact.body.index()];
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
    FieldReader reader_of_file(entry, "unpublished.json: file");
    Fields(reader_of_file, memory.files.emplace_back());
    ICPT_RETURN_IF_ERROR(reader_of_file.reader().Finish());
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
