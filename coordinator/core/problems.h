// What needs a person, one line each: the thing, then the remedy.
#pragma once

#include <string>
#include <vector>

#include "common/base/clock.h"
#include "coordinator/core/state.h"
#include "coordinator/core/status_view.h"

namespace interceptor::coordinator {

// Worst first: what stops a run, then what will, then what is late. `view`: with its tasks, workers
// and chunks; they are not looked up again.
std::vector<std::string> FindProblems(const State& state, const StatusView& view, MonotonicTime now);

// More than kOverdueFactor periods of training since the newest committed checkpoint.
bool CheckpointIsOverdue(const State& state, std::string_view task);

}  // namespace interceptor::coordinator
