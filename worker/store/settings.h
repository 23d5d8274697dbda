// run.json (docs/child-protocol.md): how settings travel from the agent, or a person, to the children.
#pragma once

#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "worker/sampling/recipe.h"

namespace interceptor::worker {

// INVALID_ARGUMENT naming the field and its allowed range.
absl::Status Validate(const RunSettings& settings);

// INVALID_ARGUMENT for unknown keys, wrong types and values out of range, each naming the field;
// FAILED_PRECONDITION for a newer version.
absl::StatusOr<RunSettings> ParseRunSettings(std::string_view json);
std::string RunSettingsToJson(const RunSettings& settings);

}  // namespace interceptor::worker
