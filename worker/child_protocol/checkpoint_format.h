// What a published checkpoint (worker/engine/checkpoint.h) calls things, for those who only take weights out of one.
#pragma once

#include <string_view>

namespace interceptor::worker {

inline constexpr std::string_view kCheckpointFormat = "interceptor checkpoint";
inline constexpr int kCheckpointVersion = 1;
// Tensors of the optimizer and the sampler begin so; all others are weights and BatchNorm buffers by torchvision's names.
inline constexpr std::string_view kOptimizerPrefix = "optimizer.";
inline constexpr std::string_view kSamplerPrefix = "sampler.";
// Metadata: ContentDigest of all tensors in the file's order.
inline constexpr std::string_view kContentDigestKey = "content_sha256";

// A file of weights alone, taken out of a checkpoint: metadata "architecture", "preprocessing", "specialist", "step" as there.
inline constexpr std::string_view kWeightsFormat = "interceptor weights";
inline constexpr int kWeightsVersion = 1;

}  // namespace interceptor::worker
