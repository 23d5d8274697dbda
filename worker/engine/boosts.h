// From the sampling weights that the bias of the last chunk asks for to what the sampler shows more (sampler.h).
#pragma once

#include <vector>

#include "common/facts/bias.h"
#include "worker/engine/chunk_data.h"
#include "worker/sampling/sampler.h"

namespace interceptor::worker {

// One boost for each weight whose slice has clips of its class and whose other class has clips outside of it; the others
// are logged and left out. Clips count in `base` and `replay`.
std::vector<Boost> FindBoosts(const std::vector<SamplingWeight>& weights, const ClipList& base,
                              const ClipList& replay);

double ShareOf(const std::vector<Boost>& boosts);

}  // namespace interceptor::worker
