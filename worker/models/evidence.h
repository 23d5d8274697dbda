// What a front end finds without any learning. No LibTorch in this header. One thread at a time.
#pragma once

#include <vector>

#include "absl/status/statusor.h"
#include "worker/sampling/types.h"
#include "worker/store/frame_batch.h"

namespace interceptor::worker {

// Of each sample, what grows with the manipulation that the specialist is named for (FrontEnd::Statistic).
absl::StatusOr<std::vector<float>> EvidenceStatistic(SpecialistName specialist, const SpecialistInput& input);

}  // namespace interceptor::worker
