// The scoring pass that scorer and learner share. For .cc files that include models/torch.h.
#pragma once

#include <vector>

#include "worker/models/efficientnet.h"
#include "worker/models/preprocess.h"

namespace interceptor::worker {

// Scorer::Score; throws.
std::vector<float> ScoreSamples(EfficientNet& net, const Preprocessor& preprocessor,
                                const SpecialistInput& input, int input_side, bool bf16);

}  // namespace interceptor::worker
