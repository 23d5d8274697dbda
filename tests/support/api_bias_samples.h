// Test helper: the held-out evaluations of a specialist that is biased against dark scenes.
#pragma once

#include "interceptor/v1/cluster_service.pb.h"

namespace interceptor::coordinator {

// After chunks 1 and 2.
v1::ListEvaluationsResponse SampleBias();

}  // namespace interceptor::coordinator
