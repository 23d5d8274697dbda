// The plan as run.json, the settings file of the worker's child programs (docs/child-protocol.md). Pure.
#pragma once

#include <string>
#include <string_view>

#include "interceptor/v1/plan.pb.h"

namespace interceptor {

// A JSON object with the plan's own field names, every field written out. What concerns only the coordinator
// (members, scheduling, the vault's size) is left out. `plan` is valid (common/plan/plan.h).
std::string RunSettingsJson(const v1::Plan& plan, std::string_view plan_digest);

}  // namespace interceptor
