// Test helper: one fact of each kind with every field set, and their bytes as version 1 wrote them.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "coordinator/core/event.h"

namespace interceptor::coordinator {

// In the order of DurableEvent.
std::vector<Fact> SampleFacts();
// An evaluation with the fields that version 3 of the journal added.
Fact SampleValidation();
// A held-out evaluation with its bias, which version 4 added.
Fact SampleHeldOut();
// By kind, read from golden_v1.h.
const std::map<std::string, std::string>& GoldenBytes();

}  // namespace interceptor::coordinator
