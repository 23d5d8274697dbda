// What a person would say happened between two snapshots of the cluster. Pure.
#pragma once

#include <string>
#include <vector>

#include "coordinator/cli/terminal.h"
#include "interceptor/v1/cluster_service.pb.h"

namespace interceptor::coordinator {

// How things stand, one line for each worker that is connected and each task, then what is wrong.
std::vector<std::string> DescribeStart(const v1::GetStatusResponse& status, const Terminal& terminal);

// One line per change: state and phase of a task, chunks finished, checkpoints, evaluations, workers coming
// and going, problems appearing and ending, pause, rounds, the end. Movement inside a chunk is no change.
// Each line begins with the UTC time of `after`.
std::vector<std::string> DescribeChanges(const v1::GetStatusResponse& before,
                                         const v1::GetStatusResponse& after, const Terminal& terminal);

}  // namespace interceptor::coordinator
