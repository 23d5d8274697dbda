#include "worker/models/weights_file.h"

#include <memory>
#include <string_view>

#include "absl/strings/numbers.h"
#include "common/base/status.h"
#include "worker/child_protocol/checkpoint_format.h"

namespace interceptor::worker {
namespace {

template <typename T>
std::string_view BytesAt(const std::vector<T>& values, const TensorPlace& place) {
  return {reinterpret_cast<const char*>(values.data() + place.offset),
          static_cast<size_t>(place.count) * sizeof(T)};
}

absl::Status CheckMetadata(const SafetensorsHeader& header, const Architecture& net,
                           SpecialistName specialist, std::string_view preprocessing) {
  const auto get = [&](const std::string& key) {
    const auto found = header.metadata.find(key);
    return found == header.metadata.end() ? std::string() : found->second;
  };
  int version = 0;
  if (get("format") != kWeightsFormat || !absl::SimpleAtoi(get("format_version"), &version)) {
    return DataLoss("it holds no weights of a specialist");
  }
  if (version > kWeightsVersion) {
    return FailedPrecondition("it was written by a newer version (format ", version,
                              "; this program reads up to ", kWeightsVersion, "); update this program");
  }
  if (get("specialist") != ToString(specialist)) {
    return FailedPrecondition("it holds the weights of ", get("specialist"), ", not of ",
                              ToString(specialist));
  }
  if (get("architecture") != net.Stamp()) {
    return FailedPrecondition("it holds another architecture (", get("architecture"), ") than ", net.Stamp());
  }
  if (get("preprocessing") != preprocessing) {
    return FailedPrecondition("it was trained with other preprocessing (", get("preprocessing"),
                              "); this program prepares for ", ToString(specialist), " by ", preprocessing);
  }
  return absl::OkStatus();
}

}  // namespace

std::vector<TensorBytes> WeightTensors(const Architecture& architecture, const std::vector<float>& parameters,
                                       const std::vector<float>& statistics) {
  std::vector<TensorBytes> tensors;
  for (const TensorPlace& place : architecture.parameters) {
    tensors.push_back({place.name, DType::kF32, place.shape, BytesAt(parameters, place)});
  }
  for (const TensorPlace& place : architecture.statistics) {
    tensors.push_back({place.name, DType::kF32, place.shape, BytesAt(statistics, place)});
  }
  return tensors;
}

absl::StatusOr<Weights> ReadWeights(const FileSystem& files, const std::string& path,
                                    const Architecture& architecture, SpecialistName specialist,
                                    std::string_view preprocessing) {
  ICPT_ASSIGN_OR_RETURN(const std::unique_ptr<SafetensorsFile> file, SafetensorsFile::Open(files, path));
  ICPT_RETURN_IF_ERROR(
      Annotate(CheckMetadata(file->header(), architecture, specialist, preprocessing), path));
  Weights weights{.parameters = std::vector<float>(static_cast<size_t>(architecture.arena_size)),
                  .statistics = std::vector<float>(static_cast<size_t>(architecture.statistic_count))};
  for (const TensorBytes& target : WeightTensors(architecture, weights.parameters, weights.statistics)) {
    ICPT_RETURN_IF_ERROR(Annotate(CopyTensor(*file, target), path));
  }
  return weights;
}

}  // namespace interceptor::worker
