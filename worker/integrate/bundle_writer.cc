#include "worker/integrate/bundle_writer.h"

#include <memory>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "common/base/digest.h"
#include "common/base/status.h"
#include "common/io/atomic_file.h"
#include "common/io/safetensors.h"
#include "worker/child_protocol/checkpoint_format.h"

namespace interceptor::worker {
namespace {

constexpr std::string_view kUnfinished = ".unfinished";

// Missing keys read as empty.
std::string Get(const SafetensorsFile& file, std::string_view key) {
  const auto found = file.header().metadata.find(std::string(key));
  return found == file.header().metadata.end() ? "" : found->second;
}

// All of them, in the file's order.
absl::StatusOr<std::vector<TensorBytes>> TensorsOf(const SafetensorsFile& file) {
  std::vector<TensorBytes> tensors;
  for (const TensorEntry& entry : file.header().tensors) {
    ICPT_ASSIGN_OR_RETURN(const std::string_view bytes, file.Bytes(entry.name));
    tensors.push_back({entry.name, entry.dtype, entry.shape, bytes});
  }
  return tensors;
}

// That the checkpoint is the one whose scores `table` holds.
absl::Status CheckOrigin(const SafetensorsFile& file, SpecialistName specialist, const ScoreTable& table,
                         const std::string& plan_digest) {
  if (Get(file, "format") != kCheckpointFormat) return DataLoss("it is no Interceptor checkpoint");
  if (Get(file, "specialist") != ToString(specialist)) {
    return FailedPrecondition("it belongs to specialist ", Get(file, "specialist"), ", not ",
                              ToString(specialist));
  }
  const std::string plan = Get(file, "plan_digest");
  for (const std::string& other : {table.plan_digest, plan_digest}) {
    if (plan.empty() || other.empty() || plan == other) continue;
    return FailedPrecondition("it belongs to plan ", plan.substr(0, 12), ", the round or its settings to ",
                              other.substr(0, 12));
  }
  int64_t step = -1;
  const int64_t scored = table.rows.empty() ? -1 : table.rows.front().step;
  if (!absl::SimpleAtoi(Get(file, "step"), &step) || step != scored) {
    return FailedPrecondition("it is of step ", step, ", the round's score table of step ", scored,
                              "; give the checkpoint that was scored");
  }
  return absl::OkStatus();
}

// Copies weights and BatchNorm buffers and leaves the state of optimizer and sampler behind.
absl::Status CopyWeights(const FileSystem& files, const SafetensorsFile& file, const std::string& path) {
  ICPT_ASSIGN_OR_RETURN(std::vector<TensorBytes> tensors, TensorsOf(file));
  if (ContentDigest(tensors) != Get(file, kContentDigestKey)) {
    return DataLoss("its bytes are damaged: they do not match the digest it carries; take another copy");
  }
  std::erase_if(tensors, [](const TensorBytes& tensor) {
    return tensor.name.starts_with(kOptimizerPrefix) || tensor.name.starts_with(kSamplerPrefix);
  });
  std::map<std::string, std::string> metadata = {{"format", std::string(kWeightsFormat)},
                                                 {"format_version", Cat(kWeightsVersion)}};
  for (const char* key : {"architecture", "preprocessing", "specialist", "step", "plan_digest"}) {
    metadata[key] = Get(file, key);
  }
  return WriteSafetensors(files, path, metadata, tensors);
}

absl::StatusOr<BundledSpecialist> TakeWeights(const FileSystem& files, const std::string& checkpoint,
                                              SpecialistName specialist, const ScoreTable& table,
                                              const std::string& plan_digest, const std::string& folder) {
  ICPT_ASSIGN_OR_RETURN(const Digest digest, DigestOfFile(files, checkpoint));
  ICPT_ASSIGN_OR_RETURN(const std::unique_ptr<SafetensorsFile> file,
                        SafetensorsFile::Open(files, checkpoint));
  ICPT_RETURN_IF_ERROR(CheckOrigin(*file, specialist, table, plan_digest));
  BundledSpecialist bundled{.specialist = specialist,
                            .weights = WeightsName(specialist),
                            .architecture = Get(*file, "architecture"),
                            .preprocessing = Get(*file, "preprocessing"),
                            .checkpoint = digest.hex,
                            .step = table.rows.front().step,
                            .manifests = absl::StrSplit(Get(*file, "manifests"), ',', absl::SkipEmpty()),
                            .lineage = absl::StrSplit(Get(*file, "lineage"), ',', absl::SkipEmpty())};
  ICPT_RETURN_IF_ERROR(CopyWeights(files, *file, JoinPath(folder, bundled.weights)));
  return bundled;
}

// A folder without folders in it; OK when it is not there.
absl::Status RemoveFolder(const FileSystem& files, const std::string& folder) {
  if (!files.Exists(folder)) return absl::OkStatus();
  ICPT_ASSIGN_OR_RETURN(const std::vector<std::string> names, files.List(folder));
  for (const std::string& name : names) ICPT_RETURN_IF_ERROR(files.Remove(JoinPath(folder, name)));
  return files.Remove(folder);
}

absl::Status CopyFaceModel(const FileSystem& files, const BundleOptions& options, const std::string& folder,
                           PreparationSettings& preparation) {
  if (preparation.face_model.empty()) return absl::OkStatus();
  if (options.face_model.empty()) {
    return FailedPrecondition("the plan finds faces by ", preparation.face_model,
                              "; name that file by --face-model");
  }
  ICPT_ASSIGN_OR_RETURN(const std::string bytes, ReadWholeFile(files, options.face_model));
  const std::string found = DigestOf(bytes).hex;
  if (!preparation.face_model_sha256.empty() && found != preparation.face_model_sha256) {
    return FailedPrecondition(options.face_model, " has the SHA-256 ", found, "; the plan names ",
                              preparation.face_model_sha256);
  }
  preparation.face_model_sha256 = found;
  return WriteFileAtomically(files, JoinPath(folder, preparation.face_model), bytes);
}

// Digests of all files of a folder.
absl::StatusOr<std::map<std::string, Digest>> DigestsIn(const FileSystem& files, const std::string& folder) {
  ICPT_ASSIGN_OR_RETURN(const std::vector<std::string> names, files.List(folder));
  std::map<std::string, Digest> digests;
  for (const std::string& name : names) {
    ICPT_ASSIGN_OR_RETURN(digests[name], DigestOfFile(files, JoinPath(folder, name)));
  }
  return digests;
}

// Puts what a detector needs into `folder`, and describes it.
absl::StatusOr<Bundle> CollectDetector(const FileSystem& files, const BundleOptions& options,
                                       const RoundResults& results,
                                       const std::map<SpecialistName, ScoreTable>& tables,
                                       const std::string& folder) {
  Bundle bundle{.chunk = results.chunk_name,
                .trained_on = options.trained_on,
                .settings = options.settings,
                .specialists = {},
                .fusion = results.fusion->fusion,
                .attributes = results.fusion->attributes,
                .files = {}};
  for (const FusedSpecialist& each : bundle.fusion.specialists) {
    const auto checkpoint = options.checkpoints.find(each.specialist);
    const std::string name(ToString(each.specialist));
    if (checkpoint == options.checkpoints.end()) {
      return NotFound("no checkpoint of ", name, " was named; the round weighs it: --checkpoint ", name,
                      "=FILE");
    }
    const ScoreTable& table = tables.at(each.specialist);
    auto taken =
        TakeWeights(files, checkpoint->second, each.specialist, table, options.settings.plan_digest, folder);
    if (!taken.ok()) return Annotate(taken.status(), Cat("checkpoint ", checkpoint->second));
    bundle.specialists.push_back(*std::move(taken));
  }
  ICPT_RETURN_IF_ERROR(CopyFaceModel(files, options, folder, bundle.settings.preparation));
  ICPT_ASSIGN_OR_RETURN(const auto digests, DigestsIn(files, folder));
  for (const auto& [name, digest] : digests) bundle.files.push_back({name, digest.hex, digest.size_bytes});
  return bundle;
}

// What is for people, and last the sums of everything.
absl::Status AddReport(const FileSystem& files, const Bundle& bundle, const RoundResults& results,
                       const std::string& round_json, const std::string& folder) {
  ICPT_RETURN_IF_ERROR(WriteFileAtomically(files, JoinPath(folder, "round.json"), round_json));
  ICPT_RETURN_IF_ERROR(WriteFileAtomically(files, JoinPath(folder, "MODEL_CARD.md"),
                                           ModelCard(bundle, DescribeFusion(*results.fusion))));
  ICPT_ASSIGN_OR_RETURN(const auto digests, DigestsIn(files, folder));
  std::map<std::string, std::string> sums;
  for (const auto& [name, digest] : digests) sums[name] = digest.hex;
  return WriteFileAtomically(files, JoinPath(folder, kBundleSums), FormatSums(sums));
}

absl::StatusOr<Digest> FillFolder(const FileSystem& files, const BundleOptions& options,
                                  const RoundResults& results,
                                  const std::map<SpecialistName, ScoreTable>& tables,
                                  const std::string& round_json, const std::string& folder) {
  ICPT_ASSIGN_OR_RETURN(const Bundle bundle, CollectDetector(files, options, results, tables, folder));
  const std::string description = FormatBundle(bundle);
  ICPT_RETURN_IF_ERROR(WriteFileAtomically(files, JoinPath(folder, kBundleDescription), description));
  ICPT_RETURN_IF_ERROR(AddReport(files, bundle, results, round_json, folder));
  return DigestOf(description);
}

bool AreAlike(const FileSystem& files, const std::string& one, const std::string& other) {
  const auto sums = ReadWholeFile(files, JoinPath(one, kBundleSums));
  const auto others = ReadWholeFile(files, JoinPath(other, kBundleSums));
  return sums.ok() && others.ok() && *sums == *others;
}

}  // namespace

absl::StatusOr<Digest> WriteBundle(const FileSystem& files, const BundleOptions& options,
                                   const RoundResults& results,
                                   const std::map<SpecialistName, ScoreTable>& tables,
                                   const std::string& round_json) {
  if (!results.fusion || !results.fusion->reason.empty()) {
    return FailedPrecondition("round ", results.chunk_name, " has no fusion to bundle",
                              results.fusion ? Cat(": ", results.fusion->reason) : "");
  }
  const std::string unfinished = Cat(options.folder, kUnfinished);
  ICPT_RETURN_IF_ERROR(RemoveFolder(files, unfinished));
  ICPT_RETURN_IF_ERROR(files.MakeFolder(unfinished));
  const absl::StatusOr<Digest> digest = FillFolder(files, options, results, tables, round_json, unfinished);
  const bool is_there = files.Exists(options.folder);
  const bool is_same = digest.ok() && is_there && AreAlike(files, unfinished, options.folder);
  if (!digest.ok() || is_there) {
    ICPT_RETURN_IF_ERROR(RemoveFolder(files, unfinished));
    if (is_same || !digest.ok()) return digest;
    return absl::AlreadyExistsError(
        Cat(options.folder, " is there and is not this bundle; remove it or name another folder"));
  }
  ICPT_RETURN_IF_ERROR(files.Rename(unfinished, options.folder));
  ICPT_RETURN_IF_ERROR(files.SyncFolder(ParentFolder(options.folder)));
  return digest;
}

}  // namespace interceptor::worker
