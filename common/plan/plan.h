// The plan file: what a team writes, as a checked value. Everything here is a pure function but LoadPlan,
// which reads one file. Field names, units and meanings stand in proto/interceptor/v1/plan.proto.
#pragma once

#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "common/io/file_system.h"
#include "interceptor/v1/plan.pb.h"

namespace interceptor {

// Reads, parses and validates a plan. NOT_FOUND names the path; otherwise ParsePlan's errors.
absl::StatusOr<v1::Plan> LoadPlan(const FileSystem& files, const std::string& path);

// Protobuf text format, read strictly: an unknown or repeated field is INVALID_ARGUMENT with `name`, line and
// column. Whatever the text does not mention takes its default (DefaultPlan); a zero that is written stays a
// zero. The result is valid.
absl::StatusOr<v1::Plan> ParsePlan(std::string_view text, std::string_view name);

// The master plan's settings without its name, members and chunks. They are part of every plan's digest, so a
// change here makes plans that lean on it new plans. worker/sampling/recipe.h holds the same values.
v1::Plan DefaultPlan();

// INVALID_ARGUMENT listing every field that is out of range as `path is value, allowed: range`.
absl::Status ValidatePlan(const v1::Plan& plan);

// SHA-256 of the plan's deterministic serialization, 64 hexadecimal digits: comments and layout of the file
// do not count, defaults do.
std::string PlanDigest(const v1::Plan& plan);

}  // namespace interceptor
