// The weights of one specialist in a safetensors file, without optimizer state. No LibTorch; any thread.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/io/file_system.h"
#include "common/io/safetensors.h"
#include "worker/models/architecture.h"
#include "worker/sampling/types.h"

namespace interceptor::worker {

// In arena order (architecture.h).
struct Weights {
  std::vector<float> parameters;
  std::vector<float> statistics;
};

// Every parameter and BatchNorm statistic: its name, and where its bytes lie in the two vectors.
// REQUIRES: they have the architecture's sizes.
std::vector<TensorBytes> WeightTensors(const Architecture& architecture, const std::vector<float>& parameters,
                                       const std::vector<float>& statistics);

// NOT_FOUND; DATA_LOSS when it is no file of weights; FAILED_PRECONDITION when it is another specialist's, of another
// architecture or `preprocessing` (PreprocessingOf), or written by a newer version.
absl::StatusOr<Weights> ReadWeights(const FileSystem& files, const std::string& path,
                                    const Architecture& architecture, SpecialistName specialist,
                                    std::string_view preprocessing);

}  // namespace interceptor::worker
