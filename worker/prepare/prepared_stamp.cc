#include "worker/prepare/prepared_stamp.h"

#include "common/base/status.h"
#include "common/io/atomic_file.h"
#include "common/io/json_fields.h"
#include "worker/store/clip_store.h"

namespace interceptor::worker {
namespace {

using nlohmann::json;

constexpr int64_t kStampVersion = 1;
// Raised whenever the same inputs would give other bytes.
constexpr int64_t kPreparationVersion = 6;

json ZipFacts(FileInfo zip) {
  FieldWriter facts;
  Fields(facts, zip);
  return std::move(facts.object);
}

json InputFacts(const PreparationInputs& inputs) {
  const PreparationSettings& settings = inputs.settings.preparation;
  return {{"face_model_sha256", inputs.face_model_sha256},
          {"chunk", inputs.chunk},
          {"chunk_sha256", inputs.chunk_sha256},
          {"face_detection_stride", settings.face_detection_stride},
          {"folds", inputs.settings.evaluation.folds},
          {"frames_per_fake", settings.frames_per_fake},
          {"frames_per_real", settings.frames_per_real},
          {"held_out_fold", inputs.settings.evaluation.held_out_fold},
          {"labels_sha256", inputs.labels_sha256},
          {"preparation_version", kPreparationVersion},
          {"replay_reservoir", settings.replay_reservoir},
          {"scanned", json(inputs.scanned)},
          {"unmatched_share_max", settings.unmatched_share_max},
          {"view_pixels", settings.view_pixels}};
}

// Nothing for an absent or unreadable stamp: the store is then made again.
std::optional<json> ReadStamp(const FileSystem& files, const std::string& store, const std::string& chunk) {
  const auto text = ReadWholeFile(files, PreparedStampPath(store, chunk));
  if (!text.ok()) return std::nullopt;
  auto stamp = ParseJsonObject(*text);
  if (!stamp.ok()) return std::nullopt;
  return *std::move(stamp);
}

void Fields(auto& visit, PrepareSummary& summary) {
  visit("manifest_sha256", summary.manifest.hex);
  visit("manifest_bytes", summary.manifest.size_bytes);
  visit("clips", summary.clips);
  visit("families", summary.families);
  visit("quarantined", summary.quarantined);
  visit("train_bytes", summary.train_bytes);
  visit("keep_bytes", summary.keep_bytes);
}

}  // namespace

absl::StatusOr<std::string> ZipDigest(const FileSystem& files, const std::string& zip_path,
                                      const std::string& store, const std::string& chunk) {
  ICPT_ASSIGN_OR_RETURN(const FileInfo zip, files.Stat(zip_path));
  if (const auto stamp = ReadStamp(files, store, chunk); stamp.has_value()) {
    const json facts = stamp->value("zip", json());
    const json inputs = stamp->value("inputs", json::object());
    if (facts == ZipFacts(zip) && inputs.is_object() && inputs.contains("chunk_sha256") &&
        inputs["chunk_sha256"].is_string()) {
      return inputs["chunk_sha256"].get<std::string>();
    }
  }
  ICPT_ASSIGN_OR_RETURN(const Digest digest, DigestOfFile(files, zip_path));
  return digest.hex;
}

absl::StatusOr<std::optional<PrepareSummary>> FindPrepared(const FileSystem& files, const std::string& store,
                                                           const PreparationInputs& inputs) {
  const auto stamp = ReadStamp(files, store, inputs.chunk);
  if (!stamp.has_value()) return std::nullopt;
  const json version = stamp->value("version", json());
  if (version.is_number_integer() && version.get<int64_t>() > kStampVersion) {
    return FailedPrecondition(PreparedStampPath(store, inputs.chunk),
                              " was written by a newer version; use it, or another --out folder");
  }
  if (stamp->value("inputs", json()) != InputFacts(inputs)) return std::nullopt;
  const json outputs = stamp->value("outputs", json::object());
  FieldReader reader(outputs, "prepared.json: outputs");
  PrepareSummary summary;
  Fields(reader, summary);
  if (!reader.Finish().ok()) return std::nullopt;
  summary.reused = true;
  summary.manifest_path = ManifestPath(store, inputs.chunk);
  const auto manifest = DigestOfFile(files, summary.manifest_path);
  if (!manifest.ok() || *manifest != summary.manifest) return std::nullopt;
  if (!files.HasSize(TrainStorePath(store, inputs.chunk), summary.train_bytes) ||
      !files.HasSize(KeepStorePath(store, inputs.chunk), summary.keep_bytes)) {
    return std::nullopt;
  }
  return summary;
}

absl::Status RemoveForeignStamp(const FileSystem& files, const std::string& store,
                                const PreparationInputs& inputs) {
  const auto stamp = ReadStamp(files, store, inputs.chunk);
  if (stamp.has_value() && stamp->value("inputs", json()) == InputFacts(inputs)) return absl::OkStatus();
  ICPT_RETURN_IF_ERROR(files.Remove(PreparedStampPath(store, inputs.chunk)));
  ICPT_RETURN_IF_ERROR(files.Remove(ManifestPath(store, inputs.chunk)));
  return files.SyncFolder(JoinPath(store, inputs.chunk));
}

absl::Status WriteStamp(const FileSystem& files, const std::string& store, const PreparationInputs& inputs,
                        const FileInfo& zip, PrepareSummary summary) {
  FieldWriter outputs;
  Fields(outputs, summary);
  const json stamp = {{"version", kStampVersion},
                      {"inputs", InputFacts(inputs)},
                      {"zip", ZipFacts(zip)},
                      {"outputs", std::move(outputs.object)}};
  return WriteFileAtomically(files, PreparedStampPath(store, inputs.chunk), stamp.dump(1) + "\n");
}

}  // namespace interceptor::worker
