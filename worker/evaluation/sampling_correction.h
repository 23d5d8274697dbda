// The corrector: how the next chunk is sampled because of the bias after this one. Pure. docs/evaluation.md, "Correction".
#pragma once

#include <vector>

#include "common/facts/bias.h"

namespace interceptor::worker {

// Of a chunk's batch positions, for all slices together.
inline constexpr double kCorrectedShareMax = 0.4;

// `now` are the weights that the chunk was sampled with. The slice and class that are mistaken most are shown more, in
// proportion to their gap: attributes go together, a bias has two sides, and one cause would else be corrected several times;
// what another slice has of its own shows in the next chunk. A slice that has become better than the others is shown less.
// What cannot be told from no gap keeps its weight: one that has cured a gap is still needed while the data keep it up.
// Slices of chunks are left to replay.
std::vector<SamplingWeight> NextSampling(const BiasReport& report, const std::vector<SamplingWeight>& now);

}  // namespace interceptor::worker
