// The soft half of Apply: streams, deadlines, progress. Called by Apply alone.
#pragma once

#include "coordinator/core/state.h"

namespace interceptor::coordinator {

void ApplySoft(State& state, const SoftEvent& event);

}  // namespace interceptor::coordinator
