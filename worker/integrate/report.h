// The report of a round: every value that its page shows, all of held-out clips. Pure. docs/evaluation.md, "Where it stands".
#pragma once

#include <nlohmann/json.hpp>

#include "absl/status/statusor.h"
#include "worker/integrate/results.h"

namespace interceptor::worker {

// A detector that could not be measured has `missing`, the reason, in place of `report` and `curves`. The same results
// always give the same report. INVALID_ARGUMENT when a ratio is not a number.
absl::StatusOr<nlohmann::json> MakeReport(const RoundResults& results);

}  // namespace interceptor::worker
