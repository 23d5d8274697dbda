// `interceptor bias`: how the specialists treat real and fake clips and the slices of them. Pure.
#pragma once

#include <string>

#include "coordinator/cli/table.h"
#include "interceptor/v1/cluster_service.pb.h"

namespace interceptor::coordinator {

// The held-out evaluations whose bias was measured, by specialist and chunk.
v1::ListEvaluationsResponse WithBias(const v1::ListEvaluationsResponse& list);

// Of each specialist the gaps chunk by chunk, and the slices after the newest one. `list` as WithBias gives it.
Lines RenderBias(const v1::ListEvaluationsResponse& list, const Terminal& terminal);

}  // namespace interceptor::coordinator
