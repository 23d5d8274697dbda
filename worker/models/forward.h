// The scoring pass that scorer and learner share. For .cc files that include models/torch.h.
#pragma once

#include <vector>

#include "worker/models/front_ends/front_end.h"
#include "worker/models/scorer.h"

namespace interceptor::worker {

// Scorer::Score; throws.
std::vector<SampleScore> ScoreSamples(Network& net, const FrontEnd& front_end, const SpecialistInput& input,
                                      int input_side, bool bf16);

}  // namespace interceptor::worker
