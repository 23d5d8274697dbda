// One screen that answers "how is it going?": the plan, what is wrong (worst first), the six specialists, the
// workers, what to do next. Made for 80 columns and 24 rows. Pure.
#pragma once

#include <string>
#include <vector>

#include "coordinator/cli/table.h"
#include "interceptor/v1/cluster_service.pb.h"

namespace interceptor::coordinator {

inline constexpr char kDefaultAddress[] = "127.0.0.1:50051";

// At least 80 columns wide where lines need them. On an interactive terminal a status that is longer than the
// window gives up its titles, its blank lines and the workers that are well.
// `address` is the coordinator's, for the commands it proposes.
std::vector<std::string> RenderStatus(const v1::GetStatusResponse& status, const std::string& address,
                                      const Terminal& terminal);

// The tasks that train a specialist, in the order BG, AV, CM, RR, LL, TM.
std::vector<const v1::TaskStatus*> TrainingTasks(const v1::GetStatusResponse& status);

// "BG AV" from task names; a task that trains no specialist keeps its own name.
std::string TaskList(const google::protobuf::RepeatedPtrField<std::string>& tasks, Encoding encoding);

// "connected", "draining", "gone 5m" or "not seen yet".
Cell WorkerState(const v1::WorkerStatus& worker);

}  // namespace interceptor::coordinator
