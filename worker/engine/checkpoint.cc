#include "worker/engine/checkpoint.h"

#include <algorithm>
#include <cstring>
#include <map>
#include <set>

#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "common/base/digest.h"
#include "common/base/number_text.h"
#include "common/base/status.h"
#include "common/io/atomic_file.h"
#include "common/io/json_fields.h"
#include "common/io/safetensors.h"
#include "worker/child_protocol/checkpoint_format.h"
#include "worker/child_protocol/fact_fields.h"
#include "worker/models/specialist.h"
#include "worker/models/weights_file.h"

namespace interceptor::worker {
namespace {

constexpr std::string_view kBackbone = "features.";
constexpr std::string_view kFirstMoment = "optimizer.exp_avg.";
constexpr std::string_view kSecondMoment = "optimizer.exp_avg_sq.";
constexpr std::string_view kGroupSteps = "optimizer.group_steps";
constexpr std::string_view kLosses = "sampler.loss";

void Fields(auto& visit, ValidationState& validation) {
  visit("best_step", validation.best_step);
  visit("worse_in_a_row", validation.worse_in_a_row);
  visit("best_losses", validation.best_losses);
}

struct Sampling {
  std::vector<SamplingWeight> weights;
};
void Fields(auto& visit, Sampling& sampling) { SamplingField(visit, "weights", sampling.weights); }

template <typename T>
std::string_view BytesOf(const std::vector<T>& values, int64_t offset, int64_t count) {
  return {reinterpret_cast<const char*>(values.data() + offset), static_cast<size_t>(count) * sizeof(T)};
}

template <typename T>
std::string_view BytesOf(const std::vector<T>& values) {
  return BytesOf(values, 0, static_cast<int64_t>(values.size()));
}

// Every tensor of the file in order: its name, and where its bytes live in the state.
std::vector<TensorBytes> ListTensors(const Architecture& net, const HostState& state,
                                     const std::vector<float>& losses) {
  std::vector<TensorBytes> tensors = WeightTensors(net, state.weights, state.statistics);
  for (size_t i = 0; i < net.counters.size(); ++i) {
    tensors.push_back(
        {net.counters[i], DType::kI64, {}, BytesOf(state.counters, static_cast<int64_t>(i), 1)});
  }
  const bool bf16 = !state.exp_avg_bf16.empty();
  for (const TensorPlace& place : net.parameters) {
    tensors.push_back({Cat(kFirstMoment, place.name), bf16 ? DType::kBF16 : DType::kF32, place.shape,
                       bf16 ? BytesOf(state.exp_avg_bf16, place.offset, place.count)
                            : BytesOf(state.exp_avg, place.offset, place.count)});
    tensors.push_back({Cat(kSecondMoment, place.name), bf16 ? DType::kBF16 : DType::kF32, place.shape,
                       bf16 ? BytesOf(state.exp_avg_sq_bf16, place.offset, place.count)
                            : BytesOf(state.exp_avg_sq, place.offset, place.count)});
  }
  tensors.push_back({std::string(kGroupSteps), DType::kI64, {kGroups}, BytesOf(state.group_steps)});
  if (!losses.empty()) {
    tensors.push_back(
        {std::string(kLosses), DType::kF32, {static_cast<int64_t>(losses.size())}, BytesOf(losses)});
  }
  return tensors;
}

std::string_view PreprocessingBy(const Architecture& net, SpecialistName specialist) {
  return PreprocessingOf(specialist,
                         net.front_end.empty() ? FrontEndMode::kFaceCrop : FrontEndMode::kSpecialist);
}

std::map<std::string, std::string> MakeMetadata(const Architecture& net, CheckpointInfo info) {
  FieldWriter cursor;
  Fields(cursor, info.cursor);
  std::map<std::string, std::string> metadata = {
      {"format", std::string(kCheckpointFormat)},
      {"format_version", Cat(kCheckpointVersion)},
      {"architecture", net.Stamp()},
      {"preprocessing", std::string(PreprocessingBy(net, info.specialist))},
      {"specialist", std::string(ToString(info.specialist))},
      {"plan_digest", info.plan_digest},
      {"manifests", absl::StrJoin(info.manifests, ",")},
      {"cursor", cursor.object.dump()},
      // Every draw is keyed by the seed, the specialist and counters: with the cursor this is the whole
      // state of the random numbers.
      {"rng_key", Cat("philox4x32-10/", info.cursor.seed, "/", ToString(info.specialist))},
      {"step", Cat(info.step)},
      {"training_seconds", NumberText(info.training_seconds)},
      {"start", info.from_given_weights ? "given" : "scratch"},
      {"lineage", absl::StrJoin(info.lineage, ",")},
      {"device", info.facts.device},
      {"precision", info.facts.precision},
      {"threads", Cat(info.facts.threads)},
      {"cpu_capability", info.facts.cpu_capability},
      {"build", info.facts.build}};
  if (!info.left_out_batch.empty()) metadata["left_out_batch"] = info.left_out_batch;
  if (!info.validation.best_losses.empty()) {
    FieldWriter validation;
    Fields(validation, info.validation);
    metadata["validation"] = validation.object.dump();
  }
  if (!info.sampling.empty()) {
    FieldWriter writer;
    Sampling sampling{info.sampling};
    Fields(writer, sampling);
    metadata["sampling"] = writer.object.dump();
  }
  return metadata;
}

// Digits alone, as MakeMetadata writes them.
bool ReadInteger(const std::string& text, int64_t& value) {
  if (text.empty() || text.size() > 18 || text.find_first_not_of("0123456789") != std::string::npos)
    return false;
  value = std::atoll(text.c_str());
  return true;
}

// Missing keys read as empty.
std::string Get(const SafetensorsHeader& header, const std::string& key) {
  const auto found = header.metadata.find(key);
  return found == header.metadata.end() ? "" : found->second;
}

// One that is written as JSON.
absl::Status ReadObject(const SafetensorsHeader& header, const std::string& key, auto& value) {
  const auto object = ParseJsonObject(Get(header, key));
  if (!object.ok()) return DataLoss("the ", key, " is damaged");
  FieldReader reader(*object, key);
  Fields(reader, value);
  return reader.Finish().ok() ? absl::OkStatus() : DataLoss("the ", key, " is damaged");
}

absl::StatusOr<CheckpointInfo> ParseInfo(const SafetensorsHeader& header) {
  CheckpointInfo info;
  const auto specialist = ParseSpecialist(Get(header, "specialist"));
  int64_t threads = 0;
  if (!specialist.has_value() || !ReadInteger(Get(header, "step"), info.step) ||
      !ReadInteger(Get(header, "threads"), threads)) {
    return DataLoss("specialist, step or threads are missing from the metadata");
  }
  info.specialist = *specialist;
  ICPT_RETURN_IF_ERROR(ReadObject(header, "cursor", info.cursor));
  if (!Get(header, "validation").empty()) {
    ICPT_RETURN_IF_ERROR(ReadObject(header, "validation", info.validation));
  }
  if (!Get(header, "sampling").empty()) {
    Sampling sampling;
    ICPT_RETURN_IF_ERROR(ReadObject(header, "sampling", sampling));
    info.sampling = std::move(sampling.weights);
  }
  info.plan_digest = Get(header, "plan_digest");
  info.manifests = absl::StrSplit(Get(header, "manifests"), ',', absl::SkipEmpty());
  info.lineage = absl::StrSplit(Get(header, "lineage"), ',', absl::SkipEmpty());
  info.training_seconds = std::atof(Get(header, "training_seconds").c_str());
  info.from_given_weights = Get(header, "start") == "given";
  info.left_out_batch = Get(header, "left_out_batch");
  info.facts = {.device = Get(header, "device"),
                .precision = Get(header, "precision"),
                .threads = static_cast<int>(threads),
                .cpu_capability = Get(header, "cpu_capability"),
                .build = Get(header, "build")};
  return info;
}

absl::Status CheckKind(const SafetensorsHeader& header, const Architecture& net) {
  int64_t version = 0;
  if (Get(header, "format") != kCheckpointFormat || !ReadInteger(Get(header, "format_version"), version)) {
    return DataLoss("it is no Interceptor checkpoint");
  }
  if (version > kCheckpointVersion) {
    return FailedPrecondition("it was written by a newer version (format ", version,
                              "; this program reads up to ", kCheckpointVersion, "); update this program");
  }
  if (Get(header, "architecture") != net.Stamp()) {
    return FailedPrecondition("it holds another architecture (", Get(header, "architecture"),
                              "); the plan wants ", net.Stamp());
  }
  return absl::OkStatus();
}

// Takes the backbone from the file, all of it and no more, and leaves the rest of `state` alone.
absl::Status CopyBackbone(const SafetensorsFile& file, const Architecture& net, HostState& state) {
  std::set<std::string> known;
  for (const TensorBytes& target : ListTensors(net, state, {})) {
    if (!target.name.starts_with(kBackbone)) continue;
    ICPT_RETURN_IF_ERROR(CopyTensor(file, target));
    known.insert(target.name);
  }
  for (const TensorEntry& entry : file.header().tensors) {
    if (!entry.name.starts_with(kBackbone) || known.contains(entry.name)) continue;
    return FailedPrecondition("its tensor ", entry.name, " has no place in ", net.Stamp());
  }
  return absl::OkStatus();
}

absl::StatusOr<Checkpoint> ParseCheckpoint(const SafetensorsFile& file, const Architecture& net) {
  const SafetensorsHeader& header = file.header();
  ICPT_RETURN_IF_ERROR(CheckKind(header, net));
  Checkpoint checkpoint;
  ICPT_ASSIGN_OR_RETURN(checkpoint.info, ParseInfo(header));
  const SpecialistName specialist = checkpoint.info.specialist;
  if (Get(header, "preprocessing") != PreprocessingBy(net, specialist)) {
    return FailedPrecondition("it was trained with other preprocessing (", Get(header, "preprocessing"),
                              "); this program prepares for ", ToString(specialist), " by ",
                              PreprocessingBy(net, specialist));
  }
  bool bf16 = false;
  for (const TensorEntry& entry : header.tensors) {
    bf16 |= entry.dtype == DType::kBF16;
    if (entry.name == kLosses && entry.shape.size() == 1) checkpoint.losses.resize(entry.shape[0]);
  }
  checkpoint.state = MakeHostState(net, bf16);
  const std::vector<TensorBytes> targets = ListTensors(net, checkpoint.state, checkpoint.losses);
  for (const TensorBytes& target : targets) ICPT_RETURN_IF_ERROR(CopyTensor(file, target));
  if (ContentDigest(targets) != Get(header, std::string(kContentDigestKey))) {
    return DataLoss(
        "its bytes are damaged: they do not match the digest it carries; take an earlier checkpoint");
  }
  return checkpoint;
}

}  // namespace

absl::Status WriteCheckpoint(const FileSystem& files, const std::string& path,
                             const Architecture& architecture, const CheckpointInfo& info,
                             const HostState& state, const std::vector<float>& losses) {
  const std::vector<TensorBytes> tensors = ListTensors(architecture, state, losses);
  std::map<std::string, std::string> metadata = MakeMetadata(architecture, info);
  // A flipped bit in a weight would train on unseen.
  metadata[std::string(kContentDigestKey)] = ContentDigest(tensors);
  return WriteSafetensors(files, path, metadata, tensors);
}

absl::StatusOr<Checkpoint> ReadCheckpoint(const FileSystem& files, const std::string& path,
                                          const Architecture& architecture) {
  absl::StatusOr<std::unique_ptr<SafetensorsFile>> file = SafetensorsFile::Open(files, path);
  if (!file.ok()) return Annotate(file.status(), Cat("checkpoint ", path));
  absl::StatusOr<Checkpoint> checkpoint = ParseCheckpoint(**file, architecture);
  if (!checkpoint.ok()) return Annotate(checkpoint.status(), Cat("checkpoint ", path));
  return checkpoint;
}

absl::Status CheckBelongs(const CheckpointInfo& info, SpecialistName specialist,
                          const std::string& plan_digest, uint64_t seed) {
  if (info.specialist != specialist) {
    return FailedPrecondition("it belongs to specialist ", ToString(info.specialist), ", not ",
                              ToString(specialist));
  }
  if (!info.plan_digest.empty() && !plan_digest.empty() && info.plan_digest != plan_digest) {
    return FailedPrecondition("it belongs to another plan (", info.plan_digest.substr(0, 12), "), not to ",
                              plan_digest.substr(0, 12));
  }
  if (info.cursor.seed != seed) {
    return FailedPrecondition("it was trained with seed ", info.cursor.seed, "; the plan says ", seed);
  }
  return absl::OkStatus();
}

absl::StatusOr<HostState> ReadInitialWeights(const FileSystem& files, const std::string& path,
                                             const std::string& sha256, const Architecture& architecture,
                                             HostState start) {
  const std::string what = Cat("initial weights ", path);
  const absl::StatusOr<Digest> digest = DigestOfFile(files, path);
  if (absl::IsNotFound(digest.status())) {
    return FailedPrecondition(what, " are not there; copy the plan's file there (deploy/weights makes it)");
  }
  if (!digest.ok()) return Annotate(digest.status(), what);
  if (digest->hex != sha256) {
    return DataLoss(what, ": the SHA-256 is ", digest->hex, "; the plan names ", sha256,
                    "; copy the plan's file there");
  }
  ICPT_ASSIGN_OR_RETURN(const std::unique_ptr<SafetensorsFile> file, SafetensorsFile::Open(files, path));
  const absl::Status copied = CopyBackbone(*file, architecture, start);
  if (!copied.ok()) return Annotate(copied, Cat(what, " (deploy/weights makes such a file)"));
  return start;
}

}  // namespace interceptor::worker
