#include "worker/agent/run_memory.h"

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

constexpr int kVersion = 1;

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
  visit.Name("kind", fact.body, EmptyRunFact);
  visit("path", fact.path);
  std::visit([&](auto& body) { Fields(visit, body); }, fact.body);
}

void Fields(auto& visit, RunMemory& memory) {
  visit("next_chunk", memory.next_chunk);
  visit.OptionalList("sampling", memory.sampling, [](auto& nested, auto& weight) { Fields(nested, weight); });
  visit.List("files", memory.files, [](auto& nested, auto& file) { Fields(nested, file); });
  visit.List("unpublished", memory.unpublished, [](auto& nested, auto& fact) { Fields(nested, fact); });
}

}  // namespace

std::string RunMemoryToJson(RunMemory memory) {
  FieldWriter writer;
  writer("version", kVersion);
  Fields(writer, memory);
  return writer.object.dump(1) + "\n";
}

absl::StatusOr<RunMemory> ParseRunMemory(std::string_view text) {
  ICPT_ASSIGN_OR_RETURN(const nlohmann::json object, ParseJsonObject(text));
  FieldReader reader(object, "unpublished.json");
  int version = 0;
  reader("version", version);
  if (version > kVersion) {
    return FailedPrecondition(
        "unpublished.json was written by a newer version of this program: use that one");
  }
  RunMemory memory;
  Fields(reader, memory);
  ICPT_RETURN_IF_ERROR(reader.Finish());
  return memory;
}

absl::Status StoreRunMemory(const FileSystem& files, const std::string& run_folder, const RunMemory& memory) {
  if (memory.empty()) return files.Remove(UnpublishedPath(run_folder));
  ICPT_RETURN_IF_ERROR(files.MakeFolder(run_folder));
  return WriteFileAtomically(files, UnpublishedPath(run_folder), RunMemoryToJson(memory));
}

absl::StatusOr<RunMemory> LoadRunMemory(const FileSystem& files, const std::string& run_folder) {
  RunMemory memory;
  const auto text = ReadWholeFile(files, UnpublishedPath(run_folder));
  if (!text.ok() && !absl::IsNotFound(text.status())) return text.status();
  if (text.ok()) {
    auto parsed = ParseRunMemory(*text);
    if (absl::IsFailedPrecondition(parsed.status())) return Annotate(parsed.status(), run_folder);
    if (!parsed.ok()) {
      ICPT_LOG(kWarning) << run_folder << ": " << Message(parsed.status())
                         << "; starting from what was published";
      return memory;
    }
    memory = *std::move(parsed);
  }
  std::erase_if(memory.files, [&files](const RunMemory::File& file) {
    return !files.HasSize(file.path, file.blob.size_bytes);
  });
  std::erase_if(memory.unpublished, [&files](const RunMemory::Fact& fact) {
    const Digest* blob = BlobOf(fact.body);
    return blob != nullptr && !files.HasSize(fact.path, blob->size_bytes);
  });
  // A killed agent never heard of them, or did not come to remove them.
  std::set<std::string> known;
  for (const RunMemory::File& file : memory.files) known.insert(file.path);
  RemoveUnknownCheckpoints(files, run_folder, known);
  return memory;
}

}  // namespace interceptor::worker
